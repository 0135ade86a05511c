#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# build.sh TOP PLUGIN
#
# Makes a plugin in the folder PLUGIN from this folder and sdk/proto below TOP,
# with a Python of its own in TOP/.tools/python. Needs python3 with venv; no root.
set -eu

top=$(realpath "$1") plugin=$(realpath -m "$2") here=$(realpath "$(dirname "$0")")
python=$top/.tools/python/bin/python
packages="grpcio==1.85.3 grpcio-tools==1.85.1 protobuf==7.36.2"

if ! "$python" -m pip freeze 2>/dev/null | grep -q '^grpcio==1.85.3'; then
  python3 -m venv "$top/.tools/python"
  "$python" -m pip install -q --disable-pip-version-check $packages
fi

app=$(mktemp -d)
trap 'rm -rf "$app"' EXIT
cp "$here"/*.py "$app"
protos=$top/sdk/proto
"$python" -m grpc_tools.protoc -I "$protos" --python_out="$app" --grpc_python_out="$app" \
  $(cd "$protos" && find zlayer/diag zlayer/ir zlayer/backend -name '*.proto')

"$python" -m compileall -qb "$app" # so that it starts fast

mkdir -p "$plugin"
"$python" -m zipapp "$app" -o "$plugin/python-backend.pyz"
# -I and -B: nothing of the user's counts, and nothing is written.
printf '#!/bin/sh\nexec %s -IB "${0%%/*}/python-backend.pyz"\n' "$python" > "$plugin/python-backend"
chmod +x "$plugin/python-backend"

# What it runs is not in its folder, so the manifest says where that is.
"$python" - "$here/manifest.json" >"$plugin/zlayer-plugin.json" <<'EOF'
import json, sys

manifest = json.load(open(sys.argv[1]))
manifest["permissions"]["paths"] = sorted({sys.prefix, sys.base_prefix})
json.dump(manifest, sys.stdout, indent=2)
EOF
