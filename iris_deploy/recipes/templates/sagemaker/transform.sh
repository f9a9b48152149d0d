#!/bin/sh
# Files of many rows, without an endpoint: put your BUCKET into transform-job.json, then sh transform.sh
# It wants the model that create.sh makes, and CSV without a header, columns in the order of the bundle; or, with the
# ContentType application/jsonlines, a JSON object in each line.
# STRATEGY=MultiRecord sends as many lines at once as fit into MaxPayloadInMB, which is the most that the server takes;
# SingleRecord sends each line by itself, and takes longer. What comes back is a line for each, as text/csv.
set -eu
cd "$(dirname "$0")"
job={$ name $}-$(date -u +%Y%m%d-%H%M%S)
aws sagemaker create-transform-job --cli-input-json file://transform-job.json \
    --transform-job-name "$job" --batch-strategy "${STRATEGY:-MultiRecord}"
aws sagemaker wait transform-job-completed-or-stopped --transform-job-name "$job"
aws sagemaker describe-transform-job --transform-job-name "$job" --query '[TransformJobStatus, FailureReason]'
