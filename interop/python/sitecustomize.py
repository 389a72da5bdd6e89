"""Shortens the waiting of Python programs whose PYTHONPATH has this folder: the AWS CLI, the SAM CLI and boto3 ask the
embedded AWS for the status of a stack every 5 or 30 seconds, although it has the answer within one."""

import time

_sleep = time.sleep
time.sleep = lambda seconds: _sleep(min(seconds, 1))
