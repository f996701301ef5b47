#!/usr/bin/env bash
# Vendor a release of NiiVue: app/vendor/niivue/update.sh 0.69.0   (needs npm; run by a maintainer, never by the app)
# Then name the new file in app/tabs/volume.py, its version and checksum in README.md here, and look whether LICENSE still lists
# what the release bundles.
set -euo pipefail
version=${1:?which version?}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
npm pack --silent "@niivue/niivue@$version"
tar xzf ./*.tgz package/dist/niivue.umd.js package/package.json
# Source maps name files that are not here.
sed '/^\/\/# sourceMappingURL=/d' package/dist/niivue.umd.js > niivue.js
if grep -nE 'importScripts|new Worker|new Function|XMLHttpRequest' niivue.js | cut -c 1-200; then
    echo "this build starts workers or code of its own: look at it before it is vendored" >&2
    exit 1
fi
rm -f "$here"/niivue-*.js
mv niivue.js "$here/niivue-$version.js"
sha256sum "$here/niivue-$version.js"
echo "bundled with it:"
grep -A 20 '"dependencies"' package/package.json | sed '/}/q'
