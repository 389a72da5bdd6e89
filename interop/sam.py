"""Runs commands of the SAM CLI: `sam.py FOLDER`. Each command is a fork of one process that has imported the CLI, because
to start Python and import it takes longer than most commands.

Each line of standard input is an object with the arguments (args) of a command and, for one that asks, answers: an object
of prompts and answers. That command has a pseudo-terminal, and every other prompt gets an empty line, which accepts its
default. Each line of standard output is the status and the output of a command. A reason is added to the output, and the
status is not 0, if a prompt was repeated, which means that its answer was refused, or if a prompt of answers did not
appear.

The CLI parses the same templates up to seven times in a command; the results are kept in FOLDER.
"""

import hashlib
import json
import os
import pickle
import pty
import re
import sys
import traceback
import zipfile

from samcli import yamlhelper

# A prompt of click, the library of the SAM CLI: "\tText [default]: " without a line break after it.
PROMPT = re.compile(r"^\s*(\S[^\[\]]*?)(?: \[.*\])?: $")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

# Every deployment packs both functions, and nobody stores what it packs: the fastest level, not the sixth.
zipfile.ZipFile.__init__.__defaults__ = ("r", zipfile.ZIP_STORED, True, 1)  # the last one is compresslevel

folder, parse = sys.argv[1], yamlhelper.yaml_parse


def parse_once(text):
    path = os.path.join(folder, hashlib.sha256(text.encode()).hexdigest())
    try:
        with open(path, "rb") as file:
            return pickle.load(file)
    except FileNotFoundError:
        value = parse(text)
    with open(path, "wb") as file:
        pickle.dump(value, file)
    return value


yamlhelper.yaml_parse = parse_once  # before the modules that import it by its name

from samcli.cli.main import cli  # noqa: E402
import samcli.commands.build.build_context  # noqa: E402, F401
import samcli.commands.build.command  # noqa: E402, F401
import samcli.commands.delete.command  # noqa: E402, F401
import samcli.commands.delete.delete_context  # noqa: E402, F401
import samcli.commands.deploy.command  # noqa: E402, F401
import samcli.commands.deploy.deploy_context  # noqa: E402, F401
import samcli.commands.deploy.guided_context  # noqa: E402, F401
import samcli.commands.package.package_context  # noqa: E402, F401
import samcli.commands.validate.validate  # noqa: E402, F401


def command(args):
    """Is what the program sam does, in a process of its own whose file descriptors are set."""
    sys.argv = ["sam", *args]
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)
    status = 1
    try:
        status = cli()
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    for stream in sys.stdout, sys.stderr:
        stream.flush()
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def plain(args):
    """Runs a command without input."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(write, 1)
        os.dup2(write, 2)
        command(args)
    os.close(write)
    with open(read, "rb") as output:
        data = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), data


def guided(args, answers):
    """Runs a command on a pseudo-terminal and answers its prompts."""
    pid, terminal = pty.fork()
    if pid == 0:
        command(args)
    output, line, prompts = b"", b"", []
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # Linux: the command has closed the terminal
            data = b""
        if not data:
            break
        output += data
        line = (line + data).replace(b"\r", b"\n").rpartition(b"\n")[2]
        prompt = PROMPT.match(ESCAPE.sub("", line.decode(errors="replace")))
        if not prompt:
            continue
        text = prompt.group(1)
        if text in prompts:
            os.close(terminal)  # hangs up: the command ends
            os.waitpid(pid, 0)
            return 1, output + f"\nthe prompt {text!r} was repeated after {answers.get(text, '')!r}".encode()
        prompts.append(text)
        os.write(terminal, (answers.get(text, "") + "\n").encode())
        line = b""
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if missing := [a for a in answers if a not in prompts]:
        return 1, output + f"\nno prompt was {missing}; the prompts were {prompts}".encode()
    return status, output


for request in sys.stdin:
    call = json.loads(request)
    status, output = guided(call["args"], call["answers"]) if call["answers"] else plain(call["args"])
    print(json.dumps({"status": status, "output": output.decode(errors="replace")}), flush=True)
