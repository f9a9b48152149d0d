#!/bin/sh
# A machine at AWS that serves {$ model $} on port {$ port $}:
# VPC=vpc-... SUBNET=subnet-... SOURCES=203.0.113.0/24 sh create.sh
set -eu
cd "$(dirname "$0")"
: "${VPC:?}" "${SUBNET:?one that gives its machines a public address}"
: "${SOURCES:?say who may ask it, such as 203.0.113.0/24, or 0.0.0.0/0 for everybody}"

group=$(aws ec2 create-security-group --group-name {$ name $} --description "{$ name $}" \
    --vpc-id "$VPC" --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id "$group" \
    --protocol tcp --port {$ port $} --cidr "$SOURCES"
# Ubuntu's newest 24.04. No container gets at the machine's own credentials.
aws ec2 run-instances \
    --image-id resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id \
    --instance-type t3.small --user-data file://user-data \
    --security-group-ids "$group" --subnet-id "$SUBNET" \
    --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1,HttpEndpoint=enabled \
    --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value={$ name $}}]'
# Where it answers, in two or three minutes:
aws ec2 describe-instances --filters Name=tag:Name,Values={$ name $} Name=instance-state-name,Values=pending,running \
    --query 'Reservations[].Instances[].PublicIpAddress' --output text
