"""A Redis, two engines and workers on loopback; they end with the test."""

import json
import os
import shutil
import subprocess
import tempfile

from cluster import Process, answers, free_ports, listens

# Seconds that a worker may say nothing: short, so that the test is.
LEASE = 2
# Seconds of a simulation that are done again when its worker is lost.
CHECKPOINT = 0.5


class Service:
    def __init__(self, program, redis, workers=3):
        self.program = program
        self.scratch = tempfile.mkdtemp(prefix="svgx-jobs-")
        store, *ports = free_ports(5 + workers)
        self.url = f"redis://127.0.0.1:{store}/"
        data = os.path.join(self.scratch, "redis")
        os.mkdir(data)
        self.redis = Process(
            [redis, "--bind", "127.0.0.1", "--port", str(store), "--dir", data, "--save", ""]
            + ["--appendonly", "yes", "--appendfsync", "always"]
            + ["--maxmemory-policy", "noeviction"],
            self.log("redis"),
            store,
            answers,
        )
        secret = os.path.join(self.scratch, "secret")
        with open(secret, "w") as file:
            file.write(os.urandom(24).hex())
        self.engines, self.internal = [], ports[2:4]
        common = ["--store", self.url, "--job-lease", str(LEASE)]
        for number, (public, internal) in enumerate(zip(ports[:2], ports[2:4])):
            command = [program, "serve", "--listen", f"127.0.0.1:{public}"]
            command += ["--internal-listen", f"127.0.0.1:{internal}", "--rate-limit", "off"]
            command += ["--controller", "shadow", "--replica-listen", "127.0.0.1:0"]
            command += ["--replica-secret-file", secret, "--api-key", "ana:one", "--api-key", "ben:two"]
            self.engines.append(Process(command + common, self.log(f"engine-{number}"), public))
        self.workers = []
        for number, internal in enumerate(ports[4:]):
            command = [program, "work", "--internal-listen", f"127.0.0.1:{internal}"]
            command += ["--drain-timeout", "1", "--job-checkpoint", str(CHECKPOINT), *common]
            self.workers.append(Process(command, self.log(f"worker-{number}"), internal, listens))

    def log(self, name):
        return os.path.join(self.scratch, f"{name}.log")

    def tell(self, *arguments):
        """`svgx jobs`: its status and what it says in JSON."""
        command = [self.program, "jobs", *arguments, "--store", self.url, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        text = done.stdout.strip()
        return done.returncode, json.loads(text) if text.startswith("{") else text

    def worker_of(self, job):
        """The worker that has a job, if it is one of these and runs."""
        status, record = self.tell("show", job)
        if status != 0 or record["stage"] != "running":
            return None
        pid = int(record["worker"].split("/")[1])
        return next((w for w in self.workers if w.child.poll() is None and w.child.pid == pid), None)

    def went_on(self, job):
        """What the workers have told of going on with a job: steps and simulated seconds."""
        told = []
        for number in range(len(self.workers)):
            if os.path.exists(self.log(f"worker-{number}")):
                with open(self.log(f"worker-{number}")) as file:
                    lines = [line for line in file if job in line and "goes on from its checkpoint" in line]
                told += [json.loads(line) for line in lines]
        return [line.get("fields", line) for line in told]

    def __enter__(self):
        self.redis.start()
        self.redis.ready()
        for engine in self.engines:
            engine.start()
        for engine in self.engines:
            engine.ready()
        return self

    def start_workers(self):
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            worker.ready()

    def __exit__(self, kind, error, trace):
        for process in [*self.workers, *self.engines, self.redis]:
            process.end()
        if kind is not None:
            for name in ["engine-0", "engine-1", "worker-0", "worker-1", "worker-2"]:
                if os.path.exists(self.log(name)):
                    print(f"--- {name}\n{open(self.log(name)).read()[-2500:]}")
        shutil.rmtree(self.scratch, ignore_errors=True)
