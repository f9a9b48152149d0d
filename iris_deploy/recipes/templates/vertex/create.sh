#!/bin/sh
# {$ model $} version {$ version $} on Vertex AI: REGION=europe-west4 sh create.sh; the same later for another image.
# Vertex AI wants the image in Artifact Registry, for linux/amd64:
# https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
# Who may ask is Google's to say (aiplatform.endpoints.predict), so the server wants no tokens. Nor is it told routes:
# Vertex AI chooses them and says them in AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE, which the server takes.
set -eu
: "${REGION:?such as europe-west4}"

model=$(gcloud ai models upload --region="$REGION" --display-name={$ name $}-v{$ version $} \
    --container-image-uri={$ image $} \
    --container-ports={$ f.PLATFORM_PORT $} --format='value(model)')
endpoint=$(gcloud ai endpoints list --region="$REGION" --filter='displayName={$ name $}' \
    --format='value(name)' --limit=1)
[ -n "$endpoint" ] || endpoint=$(gcloud ai endpoints create --region="$REGION" \
    --display-name={$ name $} --format='value(name)')
# 0 is the model that is deployed now: all requests go to it. The one of before stays, for a way back, and costs:
# gcloud ai endpoints undeploy-model "$endpoint" --region="$REGION" --deployed-model-id=...
gcloud ai endpoints deploy-model "$endpoint" --region="$REGION" --model="$model" \
    --display-name={$ name $}-v{$ version $} --traffic-split=0=100 --machine-type=e2-standard-2 \
    --min-replica-count={$ replicas $} --max-replica-count={$ [5 * replicas, 4096] | min $}

cd "$(dirname "$0")"
gcloud ai endpoints predict "$endpoint" --region="$REGION" --json-request=request.json
