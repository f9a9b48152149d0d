# The server and one bundle, and nothing else: docker build -t user/iris:1.0 .
# Plain instructions, so that every builder reads it; `iris-deploy build-image` uses this very file.
ARG PYTHON_VERSION=3.11
ARG BASE_IMAGE=python:${PYTHON_VERSION}-slim

# ---- Everything is installed, verified, slimmed and byte-compiled here; nothing of it stays behind.
FROM ${BASE_IMAGE} AS build

# Which bundle: the newest of the only model, unless told otherwise.
ARG MODEL=
ARG VERSION=
# Of every file, and of nothing else: 1980-01-01, the earliest that all archives can hold.
ARG SOURCE_DATE_EPOCH=315532800
# For pip, if they are given. They are not in the history of the image, as this stage is not.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_CERT

WORKDIR /build
# In two steps: in one, the reason for which pip cannot be unpacked would not be told.
RUN python3 -m venv --without-pip pip && pip/bin/python3 -m ensurepip --default-pip
COPY requirements requirements
# Exactly these versions, from wheels alone: no compiler, and no code of a package is run.
RUN for part in serve:lib runtime:runtime; do \
        [ ! -e "requirements/${part%:*}.txt" ] || \
        PIP_CONFIG_FILE=/build/requirements/pip.conf pip/bin/pip install \
            --no-cache-dir --no-compile --no-deps --only-binary :all: --disable-pip-version-check \
            --target "/opt/iris-deploy/${part#*:}" --requirement "requirements/${part%:*}.txt" || \
        exit 1; \
    done
COPY iris_deploy iris_deploy
COPY artifacts artifacts
# Byte code knows lines, and no columns within them: sources, below which they are shown, are not there.
RUN PYTHONHASHSEED=0 PYTHONNODEBUGRANGES=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/iris-deploy/lib:/opt/iris-deploy/runtime \
    python3 -m iris_deploy.image.contents --model "${MODEL}" --version "${VERSION}" \
    --epoch "${SOURCE_DATE_EPOCH}" --root /opt/iris-deploy --layers /layers

# ---- The image: below /opt, since platforms mount volumes over /home, /data and /opt/ml.
FROM ${BASE_IMAGE}

# From what seldom changes to what often does: a newly trained bundle is a layer of some kilobytes.
COPY --from=build /layers/lib /
COPY --from=build /layers/app /
COPY --from=build /layers/artifacts /

# 5000 is the talk's, 8080 what most platforms probe. PORT and its like, or --port, take their place.
# _PORTS, since a Service of Kubernetes with the name iris-deploy would set IRIS_DEPLOY_PORT.
ENV IRIS_DEPLOY_ARTIFACTS=/opt/iris-deploy/artifacts \
    IRIS_DEPLOY_HOST="*" \
    IRIS_DEPLOY_PORTS="5000 8080"
EXPOSE 5000 8080

# A number, so that Kubernetes can tell that it is not root. In group 0, as OpenShift has it.
USER 1000:0
WORKDIR /
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/opt/iris-deploy/app/healthcheck"]

# SageMaker appends `serve`, as it appends it to every image.
ENTRYPOINT ["/opt/iris-deploy/app/iris-deploy"]
CMD ["serve"]

LABEL org.opencontainers.image.title="iris-deploy" \
      org.opencontainers.image.description="A scikit-learn classifier behind an HTTP API" \
      com.amazonaws.sagemaker.capabilities.accept-bind-to-port="true"
