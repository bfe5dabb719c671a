#!/bin/sh
# Installs the Autobahn suite, which needs Python 2.7, into a folder: install.sh FOLDER
# Ends with 3 where there is no Python 2.7.
set -eu
folder=$1

for python in "${PYTHON27:-}" $(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7 2>/dev/null) python2.7; do
    if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
        break
    fi
    python=
done
[ -n "$python" ] || exit 3

mkdir -p "$folder"
"$python" -m pip install --quiet --target "$folder/virtualenv" 'virtualenv<20.22'
PYTHONPATH="$folder/virtualenv" "$python" -m virtualenv --quiet "$folder/python"
pip="$folder/python/bin/pip install --quiet --no-build-isolation"
# The last versions that Python 2.7 can use, in the order in which they need each other.
$pip setuptools==44.0.0 wheel==0.36.2 incremental==16.10.1 cryptography==3.3.2 Twisted==19.10.0
$pip autobahntestsuite==25.10.1
