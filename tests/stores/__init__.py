"""Files of an object store: a server that answers as S3 does, and s3fs, which asks it."""
