#!/bin/sh
# {$ model $} version {$ version $} on ECS Fargate. Put what is in capitals into task.json and service.json first:
# EXECUTION_ROLE, REGION, SUBNET_A, SUBNET_B, SECURITY_GROUP{% if tokens %}, TOKENS_SECRET{% endif %}; TARGET_GROUP is made here.
# VPC=vpc-... sh create.sh
set -eu
cd "$(dirname "$0")"
: "${VPC:?}"

aws logs create-log-group --log-group-name /ecs/{$ name $}
aws logs put-retention-policy --log-group-name /ecs/{$ name $} --retention-in-days 30
aws ecs create-cluster --cluster-name {$ name $}
# Attach it to a listener of your load balancer; that keeps idle connections for 60 s, the server for {$ f.IDLE_TIMEOUT | int $}.
group=$(aws elbv2 create-target-group --name {$ name $} --protocol HTTP --port {$ f.PLATFORM_PORT $} --vpc-id "$VPC" \
    --target-type ip --health-check-path {$ f.READY_PATH $} \
    --health-check-interval-seconds 10 --health-check-timeout-seconds 5 \
    --healthy-threshold-count 2 --unhealthy-threshold-count 2 --matcher HttpCode=200 \
    --query 'TargetGroups[0].TargetGroupArn' --output text)
aws elbv2 modify-target-group-attributes --target-group-arn "$group" \
    --attributes Key=deregistration_delay.timeout_seconds,Value={$ 2 * f.KILL_AFTER $}
printf 'Attach %s to a listener, put it into service.json, then press Enter: ' "$group"
read -r _
aws ecs register-task-definition --cli-input-json file://task.json
aws ecs create-service --cli-input-json file://service.json
aws ecs wait services-stable --cluster {$ name $} --services {$ name $}
# Later: aws ecs register-task-definition, then
# aws ecs update-service --cluster {$ name $} --service {$ name $} --task-definition {$ name $}
