#!/usr/bin/env bash
# Cut STIX Two Math down to what equations.yaml needs: app/vendor/math/update.sh 5.3.0   (needs npm and fonttools[woff]; run by a maintainer)
# Then copy the version and the checksum into README.md here.
set -euo pipefail
version=${1:?which version of the npm package @fontsource/stix-two-math?}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
npm pack --silent "@fontsource/stix-two-math@$version" > package.log
tar xzf ./*.tgz
# Letters and signs of formulas, upright and slanted, with the sizes that brackets, bars and sums grow to (layout closure, MATH table).
python -m fontTools.subset package/files/stix-two-math-latin-400-normal.woff2 --flavor=woff2 --output-file="$here/formulas.woff2" \
    --unicodes="U+20-7E,U+A0,U+B1,U+B7,U+D7,U+2C6,U+2DC,U+302,U+303,U+3B1-3C9,U+2016,U+2032,U+2026,U+2211,U+2212,U+2248,U+2260,U+2264,U+2265,U+2061-2063,U+1D434-1D467,U+210E,U+1D6FC-1D714,U+1D6FF" \
    --layout-features='math,ssty,dtls,flac' --no-hinting
cp package/LICENSE "$here/LICENSE"
cd "$here" && sha256sum formulas.woff2
