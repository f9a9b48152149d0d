"""The recipes that there are: one line for each, and a folder of templates."""

from typing import Final

from iris_deploy.errors import SettingsError, did_you_mean
from iris_deploy.facts import BALANCER_DELAY
from iris_deploy.recipes.recipe import Recipe

_SERVER = frozenset(("memory", "tokens"))
_MACHINE = _SERVER | {"workers", "port"}
_CLUSTER = _SERVER | {"workers", "replicas", "namespace", "domain", "url_prefix", "monitoring"}
_PLATFORM = _SERVER | {"replicas"}
# Who may ask there, and with how much memory, is the platform's to say.
_HOSTED = frozenset(("replicas",))

_MOUNTED = "/run/secrets/tokens"  # where a container finds a file with them
_USER_DATA = "cloud-init"
_CREATE_APP = (
    "az containerapp create --name {$ name $} --resource-group GROUP --environment ENVIRONMENT "
    "--yaml {$ folder $}/containerapp.yaml"
)
_SET_TOKENS = (
    "{% if tokens %}fly secrets set --app {$ name $} "
    'IRIS_DEPLOY_TOKENS="$(openssl rand -hex 32)"{% endif %}'
)


def _make_tokens(file: str) -> str:
    """Return the step that makes a token, where tokens are wanted."""
    folder = f"{{$ folder $}}/{file}".rpartition("/")[0]
    made = f"mkdir -p {folder} && openssl rand -hex 32 >{{$ folder $}}/{file}"
    return f"{{% if tokens %}}{made}  # never into git{{% endif %}}"


RECIPES: Final = (
    Recipe(
        name="docker",
        summary="one machine with Docker: a shell script",
        takes=_MACHINE,
        tokens=_MOUNTED,
        steps=(_make_tokens("secrets/tokens"), "sh {$ folder $}/run.sh"),
    ),
    Recipe(
        name="compose",
        summary="Docker Compose, with TLS, Prometheus and Grafana if wanted",
        takes=_MACHINE | {"domain", "url_prefix", "proxy", "monitoring"},
        tokens=_MOUNTED,
        steps=(
            _make_tokens("tokens"),
            "docker compose --file {$ folder $}/compose.yaml up --detach --wait",
        ),
    ),
    Recipe(
        name="systemd",
        summary="a Linux machine with Docker, watched by systemd",
        takes=_MACHINE,
        tokens=_MOUNTED,
        steps=("sudo sh {$ folder $}/install.sh",),
    ),
    Recipe(
        name="systemd-venv",
        summary="a Linux machine without any container: a restart loses no request",
        takes=_MACHINE,
        tokens="%d/tokens",  # systemd.unit(5): the directory of credentials
        steps=("sudo sh {$ folder $}/install.sh {$ artifacts $}",),
        image=False,
    ),
    Recipe(
        name="cloud-init",
        summary="a fresh Debian or Ubuntu machine anywhere: its user data",
        takes=_MACHINE,
        tokens=_MOUNTED,
        steps=("give {$ folder $}/user-data to the machine that you start",),
    ),
    Recipe(
        name="gcp-vm",
        summary="a machine at Google Cloud, started with the same user data",
        takes=_MACHINE,
        tokens=_MOUNTED,
        shares=_USER_DATA,
        steps=("SOURCES=203.0.113.0/24 sh {$ folder $}/create.sh",),
    ),
    Recipe(
        name="aws-ec2",
        summary="a machine at AWS, started with the same user data",
        takes=_MACHINE,
        tokens=_MOUNTED,
        shares=_USER_DATA,
        steps=("VPC=vpc-... SUBNET=subnet-... SOURCES=203.0.113.0/24 sh {$ folder $}/create.sh",),
    ),
    Recipe(
        name="azure-vm",
        summary="a machine at Azure, started with the same user data",
        takes=_MACHINE,
        tokens=_MOUNTED,
        shares=_USER_DATA,
        steps=("GROUP=models SOURCES=203.0.113.0/24 sh {$ folder $}/create.sh",),
    ),
    Recipe(
        name="kubernetes",
        summary="any cluster: a kustomize base, and overlays for what is in front",
        takes=_CLUSTER,
        tokens=_MOUNTED,
        steps=(
            _make_tokens("overlays/tokens/tokens"),
            "kubectl apply -k {$ folder $}/{$ 'overlays/tokens' if tokens else 'base' $}",
            "kubectl --namespace {$ namespace $} rollout status deployment/{$ name $}",
        ),
    ),
    Recipe(
        name="helm",
        summary="any cluster: a Helm chart",
        takes=_CLUSTER,
        tokens=_MOUNTED,
        steps=("helm upgrade --install {$ name $} {$ folder $} --namespace {$ namespace $}",),
    ),
    Recipe(
        name="knative",
        summary="a cluster with Knative",
        takes=_PLATFORM | {"workers", "namespace"},
        steps=("kubectl apply -f {$ folder $}/service.yaml",),
    ),
    Recipe(
        name="kserve",
        summary="a cluster with KServe, on Deployments or on Knative",
        takes=_PLATFORM | {"workers", "namespace"},
        name_length=(1, 47),  # NAME-predictor-00001, Knative's revision, is a DNS label
        steps=(
            "kubectl apply -f {$ folder $}/standard.yaml, or knative.yaml where Knative runs",
            "kubectl --namespace {$ namespace $} get inferenceservice {$ name $} --watch",
        ),
    ),
    Recipe(
        name="cloud-run",
        summary="Google Cloud Run",
        takes=_PLATFORM,
        steps=("gcloud run services replace {$ folder $}/service.yaml --region=REGION",),
    ),
    Recipe(
        name="vertex",
        summary="Google Vertex AI: a model and its endpoint",
        takes=_HOSTED,
        steps=("REGION=europe-west4 sh {$ folder $}/create.sh",),
    ),
    Recipe(
        name="azure-container-apps",
        summary="Azure Container Apps",
        takes=_PLATFORM,
        drain_delay=BALANCER_DELAY,
        steps=(_CREATE_APP,),
    ),
    Recipe(
        name="azure-web-app",
        summary="Azure Web App for Containers, where the talk's image failed",
        takes=_PLATFORM,
        steps=("GROUP=models APP=a-name-of-your-own sh {$ folder $}/create.sh",),
    ),
    Recipe(
        name="azure-ml",
        summary="Azure Machine Learning: a managed online endpoint",
        takes=_HOSTED,
        name_length=(3, 32),  # of an endpoint
        steps=("GROUP=models WORKSPACE=... ENDPOINT=a-name-of-your-own sh {$ folder $}/create.sh",),
    ),
    Recipe(
        name="ecs",
        summary="AWS ECS on Fargate",
        takes=_PLATFORM,
        steps=(
            "fill in what is in capitals in {$ folder $}/task.json and service.json",
            "VPC=vpc-... sh {$ folder $}/create.sh",
        ),
    ),
    Recipe(
        name="sagemaker",
        summary="AWS SageMaker: endpoints, with instances or without, and batch transform",
        takes=_HOSTED,
        name_length=(1, 36),  # NAME-v12345-0123abcd-serverless has 63
        steps=("ROLE=arn:aws:iam::...:role/... sh {$ folder $}/create.sh",),
    ),
    Recipe(
        name="fly",
        summary="Fly.io",
        takes=_PLATFORM,
        drain_delay=BALANCER_DELAY,
        steps=(
            "fly apps create {$ name $}",
            _SET_TOKENS,
            "fly deploy --config {$ folder $}/fly.toml",
        ),
    ),
    Recipe(
        name="render",
        summary="Render",
        takes=_PLATFORM,
        steps=("commit {$ folder $}/render.yaml, and link its repository as a Blueprint",),
    ),
    Recipe(
        name="heroku",
        summary="Heroku",
        takes=_PLATFORM - {"memory"},
        steps=("APP=a-name-of-your-own sh {$ folder $}/release.sh",),
    ),
    Recipe(
        name="hugging-face",
        summary="Hugging Face Spaces",
        takes=frozenset(("tokens",)),
        steps=("push what is in {$ folder $} to https://huggingface.co/spaces/USER/{$ name $}",),
    ),
)


def find_recipe(name: str) -> Recipe:
    """Find a recipe by its name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    names = [recipe.name for recipe in RECIPES]
    raise SettingsError(
        f"`kind`: expected one of {', '.join(names)}; got {name!r:.100}{did_you_mean(name, names)}",
        hint="`iris-deploy recipe` says what each is for",
    )
