"""Runs a command on a pseudo-terminal and answers its prompts: `guided.py ANSWERS COMMAND [ARGUMENT ...]`.

ANSWERS is a JSON object of prompts and answers. Every other prompt gets an empty line, which accepts its default. The
output of the command is written to standard output. The exit status is 1, with a reason, if a prompt is repeated, which
means that its answer was refused, or if a prompt of ANSWERS did not appear; otherwise it is the status of the command.
"""

import json
import os
import pty
import re
import sys

# A prompt of click, the library of the SAM CLI: "\tText [default]: " without a line break after it.
PROMPT = re.compile(r"^\s*(\S[^\[\]]*?)(?: \[.*\])?: $")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def main(answers, command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    line, prompts = b"", []
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # Linux: the command has closed the terminal
            data = b""
        if not data:
            break
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        line = (line + data).replace(b"\r", b"\n").rpartition(b"\n")[2]
        prompt = PROMPT.match(ESCAPE.sub("", line.decode(errors="replace")))
        if not prompt:
            continue
        text = prompt.group(1)
        if text in prompts:
            os.close(terminal)  # hangs up: the command ends
            os.waitpid(pid, 0)
            sys.exit(f"the prompt {text!r} was repeated after the answer {answers.get(text, '')!r}")
        prompts.append(text)
        os.write(terminal, (answers.get(text, "") + "\n").encode())
        line = b""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if missing := [a for a in answers if a not in prompts]:
        sys.exit(f"no prompt was {missing}; the prompts were {prompts}")
    sys.exit(status)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
