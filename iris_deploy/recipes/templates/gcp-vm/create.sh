#!/bin/sh
# A machine at Google Cloud that serves {$ model $} on port {$ port $}: SOURCES=203.0.113.0/24 sh create.sh
# Ubuntu: Google's own images of Debian take no notice of user data.
set -eu
cd "$(dirname "$0")"
: "${SOURCES:?say who may ask it, such as 203.0.113.0/24, or 0.0.0.0/0 for everybody}"
zone=${ZONE:-europe-west1-b}

gcloud compute firewall-rules create {$ name $} --network=default --direction=INGRESS \
    --allow=tcp:{$ port $} --source-ranges="$SOURCES" --target-tags={$ name $}
gcloud compute instances create {$ name $} --zone="$zone" --machine-type=e2-small \
    --image-family=ubuntu-2404-lts-amd64 --image-project=ubuntu-os-cloud --boot-disk-size=20GB \
    --metadata-from-file=user-data=user-data --tags={$ name $} \
    --no-service-account --no-scopes \
    --shielded-secure-boot --shielded-vtpm --shielded-integrity-monitoring
# Where it answers, in two or three minutes:
gcloud compute instances describe {$ name $} --zone="$zone" \
    --format='value(networkInterfaces[0].accessConfigs[0].natIP)'
