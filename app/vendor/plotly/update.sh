#!/usr/bin/env bash
# Vendor a release of plotly.js in parts: app/vendor/plotly/update.sh 3.7.0   (needs npm; run by a maintainer, never by the app)
# Then copy the version and the checksums into README.md here, and put the list of what is bundled into LICENSE.
set -euo pipefail
version=${1:?which version?}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
npm init -y > package.log
npm install --silent --no-audit --no-fund --ignore-scripts "plotly.js@$version" esbuild esbuild-plugin-inline-css esbuild-plugin-glsl \
    esbuild-plugin-environment buffer process stream-browserify assert events
mkdir src
# Every part is a module. The browser runs each of them by itself, so that none keeps the page waiting for long.
for part in core heatmap scattergl scatter3d; do
    printf 'import part from "plotly.js/lib/%s";\nexport default part;\n' "$part" > "src/$part.js"
done
cat > build.mjs <<'JS'
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const [css, { glsl }, { environmentPlugin }] = ["inline-css", "glsl", "environment"].map((name) => require("esbuild-plugin-" + name));
const { metafile } = await build({
  entryPoints: readdirSync("src").map((name) => "src/" + name),
  outdir: "out",
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
  metafile: true,
  target: "es2020",
  define: { global: "globalThis", "process.env.NODE_ENV": '"production"', "define.amd": "false" },
  alias: { stream: "stream-browserify" },
  // As plotly.js itself is built.
  plugins: [(css.default ?? css)(), glsl({ minify: true }), environmentPlugin({ NODE_DEBUG: false })],
});
const parts = new Map(
  Object.keys(metafile.inputs).flatMap((path) => {
    const found = path.match(/^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    return found ? [[found[1], found[0]]] : [];
  }),
);
for (const [name, folder] of [...parts].sort()) {
  const { license, licenses, author } = JSON.parse(readFileSync(folder + "package.json", "utf8"));
  const text = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file)).map((file) => readFileSync(folder + file, "utf8")).join("\n");
  const owner = text.match(/copyright.*\d{4}.*/i)?.[0].trim() ?? author?.name ?? author ?? "";
  console.log([license?.type ?? license ?? licenses?.map((one) => one.type).join(" OR "), name, owner].join(" | "));
}
JS
node build.mjs | sort > bundled.txt
rm -f "$here"/*.js
cp out/*.js "$here"
echo "bundled:" && cat bundled.txt
cd "$here" && sha256sum ./*.js | sed 's|\./||'
