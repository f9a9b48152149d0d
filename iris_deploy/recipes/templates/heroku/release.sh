#!/bin/sh
# {$ model $} version {$ version $} on Heroku: APP=a-name-of-your-own sh release.sh; the same later for another image.
# It takes images in Docker's format alone, which `iris-deploy build-image` writes.
set -eu
: "${APP:?name the app: https://APP-....herokuapp.com}"

heroku apps:info --app "$APP" >/dev/null 2>&1 || heroku create "$APP" --stack container
heroku container:login
{% if tokens %}
heroku config:get IRIS_DEPLOY_TOKENS --app "$APP" | grep -q . ||
    heroku config:set --app "$APP" IRIS_DEPLOY_TOKENS="$(openssl rand -hex 32)" >/dev/null
{% endif %}
docker pull --platform linux/amd64 {$ image $}
docker tag {$ image $} "registry.heroku.com/$APP/web"
docker push "registry.heroku.com/$APP/web"
# PORT is Heroku's to set, and the server takes it.
heroku container:release web --app "$APP"
heroku ps:scale web={$ replicas $} --app "$APP"
