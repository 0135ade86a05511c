#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# rust-wasm.sh FOLDER
#
# Sees to it that there is a Rust that can build for wasm32-wasip1: the one on
# PATH, if it can; else with the help of rustup; else, on Debian, one of its own
# in FOLDER, from Debian's packages, which have the compiler and the source of
# the standard library. Nothing else on the machine is changed and no root is
# needed. FOLDER/bin then has rustc and cargo.
set -euo pipefail

target=wasm32-wasip1
folder=$(realpath -m "${1:?usage: rust-wasm.sh FOLDER}")
PATH=$folder/bin:$PATH

# works says whether the rustc on PATH has the target's standard library.
works() {
  local lib
  lib=$(rustc --print target-libdir --target "$target" 2>/dev/null) || return 1
  compgen -G "$lib/libstd-*.rlib" >/dev/null
}

finish() {
  echo "$(rustc --version) at $(command -v rustc) builds for $target"
  exit 0
}

works && finish

if command -v rustup >/dev/null; then
  timeout 300 rustup target add "$target" || true
  works && finish
  echo "rustup could not get $target; trying Debian's packages" >&2
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "install Rust from https://rustup.rs, then run: rustup target add $target" >&2
  exit 1
fi

# ---- Debian: the packages, unpacked into the folder ----

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$folder"
apt=(apt-get -qq -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" -o "Dir::Cache::archives=$work/archives"
  -o Debug::NoLocking=1 -o APT::Sandbox::User=root)
# rustc-web is the newer Rust that Debian keeps for its browsers.
packages=(rustc-web cargo-web rust-web-src wasi-libc)
echo "fetching ${packages[*]} of Debian"
"${apt[@]}" update
llvm=$(apt-cache -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" depends libstd-rust-web-dev 2>/dev/null |
  grep -o 'libllvm[0-9]*' | grep -o '[0-9]*' | head -1 || true)
llvm=${llvm:-22}
"${apt[@]}" -y --no-install-recommends --download-only install "${packages[@]}" "lld-$llvm"

root=$folder/debian
rm -rf "$root" "$folder/bin"
mkdir -p "$root"
for deb in "$work"/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done

# ---- programs that find their libraries there ----

rustlib=$root/usr/lib/rustlib
host=$(basename "$(dirname "$(find "$rustlib" -maxdepth 2 -name lib -path '*linux*' | head -1)")")
mkdir -p "$folder/bin" "$rustlib/$host/bin"
ln -sfn "$root/usr/lib/llvm-$llvm/bin/lld" "$rustlib/$host/bin/rust-lld"
for program in rustc cargo; do
  cat > "$folder/bin/$program" <<EOF
#!/bin/sh
export LD_LIBRARY_PATH="$root/usr/lib/${host/-unknown/}:$root/usr/lib:$root/usr/lib/llvm-$llvm/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "$root/usr/bin/$program" "\$@"
EOF
  chmod +x "$folder/bin/$program"
done

# ---- the standard library, built from source without a network ----

source=$rustlib/src/rust/library # of rust-web-src
mkdir -p "$work/project/src" "$work/home"
echo 'fn main() {}' > "$work/project/src/main.rs"
printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n' > "$work/project/Cargo.toml"
cat > "$work/home/config.toml" <<EOF
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "$source/vendor"
EOF
libc=$root/usr/lib/wasm32-wasi
lib=$rustlib/$target/lib
mkdir -p "$lib/self-contained"
cp "$libc/crt1-command.o" "$libc/crt1-reactor.o" "$libc/libc.a" "$lib/self-contained/"
# --emit=metadata: the program itself is not linked. Bitcode is what lto needs.
(cd "$work/project" && CARGO_HOME=$work/home RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes CARGO_TARGET_DIR=$work/target \
  cargo rustc --offline --release -Zbuild-std=std,panic_abort,proc_macro --target "$target" -- --emit=metadata)
cp "$work/target/$target/release/deps/"*.rlib "$lib/"
rm -rf "$root/usr/share" "$root/usr/src" "$rustlib/src"

works || { echo "the standard library was built, but $folder/bin/rustc does not find it" >&2; exit 1; }
finish
