"""Runs commands of the AWS CLI in one process: to start Python and import the CLI takes longer than most commands.

Each line of standard input is an object with the folder (dir), the environment (env) and the arguments (args) of a
command; each line of standard output is its status, stdout and stderr.
"""
import contextlib
import functools
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver
from botocore import hooks, session  # after the CLI, which has a botocore of its own

# What is the same for every command is read and computed once: the models of the services, the signatures of the CLI's
# own handlers, and the names of its events.
session.create_loader = functools.cache(session.create_loader)
hooks.accepts_kwargs = functools.cache(hooks.accepts_kwargs)
names = {}


class Aliaser(hooks.EventAliaser):
    def __init__(self, *args):
        super().__init__(*args)
        self._alias_name_cache = names


session.EventAliaser = Aliaser

replies = sys.stdout
data = os.environ["AWS_DATA_PATH"]  # set by the import of the CLI
for line in sys.stdin:
    call = json.loads(line)
    os.chdir(call["dir"])
    os.environ.clear()
    os.environ.update(call["env"], AWS_DATA_PATH=data)
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            # A driver keeps the profile and Region of a command for the next one.
            status = create_clidriver().main(call["args"])
        except SystemExit as end:
            status = end.code
    print(json.dumps({"status": status or 0, "stdout": stdout.getvalue(), "stderr": stderr.getvalue()}),
          file=replies, flush=True)
