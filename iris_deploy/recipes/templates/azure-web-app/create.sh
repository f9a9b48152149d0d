#!/bin/sh
# {$ model $} version {$ version $} as an Azure Web App: GROUP=models APP=a-name-of-your-own sh create.sh
# Again with another image: the last command alone.
#
# The talk's image failed here in 2018. What it wanted, and this one does not:
# - WEBSITES_ENABLE_APP_SERVICE_STORAGE=false: nothing of ours is in /home, which Azure may mount something over.
# - WEBSITES_PORT=5000: Azure finds {$ f.PLATFORM_PORT $} by itself, and the server listens there too.
set -eu
: "${GROUP:?name a resource group}" "${APP:?name the app: https://APP.azurewebsites.net}"

az group create --name "$GROUP" --location "${LOCATION:-westeurope}" --output none
# From two instances on one that is not ready is left out.
az appservice plan create --resource-group "$GROUP" --name {$ name $} --is-linux \
    --sku P0V3 --number-of-workers {$ replicas $} --output none
az webapp create --resource-group "$GROUP" --plan {$ name $} --name "$APP" \
    --container-image-name {$ image $} \
    --https-only true --basic-auth Disabled --min-tls-version 1.2 --output none
az webapp config set --resource-group "$GROUP" --name "$APP" \
    --always-on true --ftps-state Disabled --http20-enabled true \
    --generic-configurations '{"healthCheckPath": "{$ f.READY_PATH $}"}' --output none
# Azure gives a container 5 s to stop, which the server needs at most; more does no harm.
az webapp config appsettings set --resource-group "$GROUP" --name "$APP" --output none \
    --settings WEBSITES_CONTAINER_STOP_TIME_LIMIT={$ f.BALANCER_DELAY + 2 * f.KILL_AFTER $}{% if tokens %} IRIS_DEPLOY_TOKENS="${TOKENS:?openssl rand -hex 32}"{% endif %}

az webapp config container set --resource-group "$GROUP" --name "$APP" \
    --container-image-name {$ image $} --output none
echo "https://$APP.azurewebsites.net, in a minute or two"
