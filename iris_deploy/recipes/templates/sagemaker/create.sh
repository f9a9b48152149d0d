#!/bin/sh
{% from "shared/model-name" import model_name with context %}
# {$ model $} version {$ version $} on SageMaker: ROLE=arn:aws:iam::...:role/... sh create.sh, or create.sh serverless
# The same later for another version. ROLE is what SageMaker may do: pull the image, write the log.
#
# The image has to be
# - in ECR, in the same region: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
# - one for linux/amd64 in Docker's format (schema 2), no index and no OCI manifest, as `iris-deploy build-image` writes
#   it: https://github.com/aws/amazon-sagemaker-feedback/issues/180
# SageMaker says that it wants containers to run as root. This one does not, and needs nothing that root has: it reads
# nothing of /opt/ml, and writes nothing. Who may ask is AWS's to say (sagemaker:InvokeEndpoint), so there are no tokens.
set -eu
: "${ROLE:?the ARN of the role}"
cd "$(dirname "$0")"
case ${1:-instances} in
    instances) file=endpoint-config.json config={$ model_name $} ;;
    serverless) file=endpoint-config-serverless.json config={$ model_name $}-serverless ;;
    *) echo "expected serverless or nothing, got $1" >&2 && exit 2 ;;
esac

# A model and a configuration are made once, under a name that says what is in them.
aws sagemaker describe-model --model-name {$ model_name $} >/dev/null 2>&1 ||
    aws sagemaker create-model --cli-input-json file://model.json --execution-role-arn "$ROLE"
aws sagemaker describe-endpoint-config --endpoint-config-name "$config" >/dev/null 2>&1 ||
    aws sagemaker create-endpoint-config --cli-input-json "file://$file"
# An endpoint serves on with the old configuration until the new one answers. One with instances cannot become
# serverless: give that another name, by ENDPOINT.
endpoint=${ENDPOINT:-{$ name $}}
if aws sagemaker describe-endpoint --endpoint-name "$endpoint" >/dev/null 2>&1; then
    aws sagemaker update-endpoint --endpoint-name "$endpoint" --endpoint-config-name "$config"
else
    aws sagemaker create-endpoint --endpoint-name "$endpoint" --endpoint-config-name "$config"
fi
aws sagemaker wait endpoint-in-service --endpoint-name "$endpoint"
aws sagemaker-runtime invoke-endpoint --endpoint-name "$endpoint" --content-type application/json \
    --body fileb://request.json /dev/stdout
