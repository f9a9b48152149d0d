#!/bin/sh
# {$ model $} version {$ version $} as a managed online endpoint of Azure Machine Learning:
# GROUP=models WORKSPACE=... ENDPOINT=a-name-of-your-own sh create.sh; the same later for another version.
# Another image of the same version: `az ml online-deployment update` in the place of its `create`.
set -eu
: "${GROUP:?name a resource group}" "${WORKSPACE:?name a workspace}"
: "${ENDPOINT:?name the endpoint, which nobody in the region may have yet: 3 to 32 characters}"
cd "$(dirname "$0")"

az extension add --name ml --upgrade --yes --output none
set -- --resource-group "$GROUP" --workspace-name "$WORKSPACE" --output
az ml online-endpoint show --name "$ENDPOINT" "$@" none 2>/dev/null ||
    az ml online-endpoint create --name "$ENDPOINT" --file endpoint.yml "$@" none
# It gets no requests yet. If it does not become ready: az ml online-deployment get-logs
az ml online-deployment create --endpoint-name "$ENDPOINT" --file deployment.yml "$@" none
az ml online-endpoint invoke --name "$ENDPOINT" --deployment-name version-{$ version $} \
    --request-file request.json "$@" json
# All requests go to it. The one of before stays, for a way back, and costs: az ml online-deployment delete
others=$(az ml online-deployment list --endpoint-name "$ENDPOINT" \
    --query "[?name != 'version-{$ version $}'].join('=', [name, '0'])" "$@" tsv)
az ml online-endpoint update --name "$ENDPOINT" "$@" none \
    --traffic "$(echo "$others" | tr '\n' ' ')version-{$ version $}=100"
az ml online-endpoint show --name "$ENDPOINT" --query scoring_uri "$@" tsv
