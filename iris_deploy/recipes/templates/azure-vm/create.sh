#!/bin/sh
# A machine at Azure that serves {$ model $} on port {$ port $}:
# GROUP=models SOURCES=203.0.113.0/24 sh create.sh
set -eu
cd "$(dirname "$0")"
: "${GROUP:?name a resource group}"
: "${SOURCES:?say who may ask it, such as 203.0.113.0/24, or * for everybody}"

az group create --name "$GROUP" --location "${LOCATION:-westeurope}" --output none
# No rule: else the machine's own port for logins would be open to everybody.
az vm create --resource-group "$GROUP" --name {$ name $} \
    --image Canonical:ubuntu-24_04-lts:server:latest --size Standard_B2s \
    --admin-username azureuser --generate-ssh-keys --custom-data user-data \
    --public-ip-sku Standard --nsg-rule NONE --output none
az network nsg rule create --resource-group "$GROUP" --nsg-name {$ name $}NSG --name {$ name $} \
    --priority 1000 --direction Inbound --access Allow --protocol Tcp \
    --source-address-prefixes "$SOURCES" --destination-port-ranges {$ port $} --output none
# Where it answers, in two or three minutes:
az vm show --resource-group "$GROUP" --name {$ name $} --show-details --query publicIps --output tsv
