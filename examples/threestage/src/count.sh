#!/bin/sh
# Counts the lines of its arguments.
cat "$@" | wc -l
