#!/bin/sh
# Shows a file of the image: run.sh [list|count|first]
exec cat "/srv/${1:-list}"
