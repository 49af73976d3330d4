#!/usr/bin/env python3
"""bench/pool: Python's pools on the same null tasks.

    pool_peers.py python|joblib|mpi4py WORKERS quick|full

Speaks the protocol of bench/pool.h: says "hello VERSION", or "absent SENTENCE" where the pool cannot be
imported; answers each name of a sampler on standard input by "sample N SECONDS", the mean of N calls or
items, or by "wrong SENTENCE". Checks what comes back, outside the clock.
"""

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import time
from platform import python_version

PAUSE_S = 0.005
START_S = 20


class Wrong(Exception):
    """A pool did not answer what it should."""


def null(_index):
    return None


def same(index):
    return index


def add_one(number):
    return number + 1


def expect(held, sentence):
    if not held:
        raise Wrong(sentence)


class Subject:
    """Methods named take_X are the samplers; each returns (n, seconds per call or item)."""

    def __init__(self, workers, quick):
        self.workers = workers
        self.quick = quick

    def size(self, full, quick):
        return quick if self.quick else full

    def timed_map(self, run, n):
        """run(function, n) gives the list of the results: checks it, then times it."""
        few = min(n, 1000)
        expect(run(same, few) == list(range(few)), "a map gave other results than those of its items")
        start = time.perf_counter()
        results = run(null, n)
        seconds = time.perf_counter() - start
        expect(results == [None] * n, "a map of null tasks gave something else than None")
        return n, seconds / n


class Multiprocessing(Subject):
    """multiprocessing.Pool, whose workers are forked as procpool's are."""

    version = f"Python {python_version()}"

    def __init__(self, workers, quick):
        super().__init__(workers, quick)
        self.context = multiprocessing.get_context("fork")
        self.pool = self.context.Pool(workers)

    def close(self):
        self.pool.terminate()
        self.pool.join()

    def take_map(self):
        return self.timed_map(lambda function, n: self.pool.map(function, range(n), chunksize=1), self.size(20000, 2000))

    def take_map_default(self):
        return self.timed_map(lambda function, n: self.pool.map(function, range(n)), self.size(2000000, 200000))

    def take_imap(self):
        return self.timed_map(lambda function, n: list(self.pool.imap(function, range(n))), self.size(5000, 1000))

    def take_imap_unordered(self):
        n, few = self.size(5000, 1000), 1000
        expect(sorted(self.pool.imap_unordered(same, range(few))) == list(range(few)), "imap_unordered lost an item")
        start = time.perf_counter()
        count = sum(1 for _ in self.pool.imap_unordered(null, range(n)))
        seconds = time.perf_counter() - start
        expect(count == n, "imap_unordered lost an item")
        return n, seconds / n

    def apply(self, n, pause_s):
        spent = 0
        for i in range(n):
            if pause_s:
                time.sleep(pause_s)
            start = time.perf_counter()
            result = self.pool.apply(add_one, (i,))
            spent += time.perf_counter() - start
            expect(result == i + 1, "apply gave a wrong result")
        return n, spent / n

    def take_apply(self):
        return self.apply(self.size(500, 100), 0)

    def take_apply_asleep(self):
        return self.apply(self.size(40, 20), PAUSE_S)

    def take_apply_async(self):
        n = self.size(5000, 1000)
        start = time.perf_counter()
        jobs = [self.pool.apply_async(add_one, (i,)) for i in range(n)]
        results = [job.get() for job in jobs]
        seconds = time.perf_counter() - start
        expect(results == list(range(1, n + 1)), "apply_async gave a wrong result")
        return n, seconds / n

    def take_create(self):
        n = self.size(5, 2)
        start = time.perf_counter()
        for _ in range(n):
            with self.context.Pool(self.workers):
                pass
        return n, (time.perf_counter() - start) / n

    def take_first(self):
        n, spent = self.size(5, 2), 0
        for i in range(n):
            start = time.perf_counter()
            pool = self.context.Pool(self.workers)
            result = pool.apply(add_one, (i,))
            spent += time.perf_counter() - start
            pool.terminate()
            pool.join()
            expect(result == i + 1, "the first result of a pool is wrong")
        return n, spent / n


class Joblib(Subject):
    def __init__(self, workers, quick):
        super().__init__(workers, quick)
        import joblib

        self.version = f"joblib {joblib.__version__}"
        self.delayed = joblib.delayed
        self.parallel = joblib.Parallel(n_jobs=workers, batch_size=1)
        self.parallel.__enter__()

    def close(self):
        self.parallel.__exit__(None, None, None)

    def take_map(self):
        return self.timed_map(
            lambda function, n: self.parallel(self.delayed(function)(i) for i in range(n)), self.size(2000, 500)
        )


class Mpi4py(Subject):
    def __init__(self, workers, quick):
        super().__init__(workers, quick)
        # With Open MPI, this process has one of the slots that it counts, and root is refused.
        for name in ("OMPI_MCA_rmaps_base_oversubscribe", "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
            os.environ.setdefault(name, "1")
        import mpi4py
        from mpi4py.futures import MPIPoolExecutor

        self.version = f"mpi4py {mpi4py.__version__}"
        self.executor = MPIPoolExecutor(max_workers=workers)
        try:
            self.executor.submit(null, 0).result(timeout=START_S)
        except concurrent.futures.TimeoutError:
            # What has failed is in another thread, and would be waited for.
            print("absent mpi4py is there, but starts no workers", flush=True)
            os._exit(0)

    def close(self):
        self.executor.shutdown()

    def take_map(self):
        return self.timed_map(
            lambda function, n: list(self.executor.map(function, range(n), chunksize=1)), self.size(2000, 500)
        )


def answer(subject, name):
    sampler = getattr(subject, f"take_{name}", None)
    if sampler is None:
        return f"wrong there is no sampler {name}"
    try:
        n, seconds = sampler()
    except Wrong as sentence:
        return f"wrong {sentence}"
    return f"sample {n} {seconds!r}"


def serve(subject, requests):
    print("hello", subject.version, flush=True)
    for line in requests:
        print(answer(subject, line.strip()), flush=True)
    subject.close()


def main():
    kinds = {"python": Multiprocessing, "joblib": Joblib, "mpi4py": Mpi4py}
    if len(sys.argv) != 4 or sys.argv[1] not in kinds or sys.argv[3] not in ("quick", "full"):
        sys.exit(__doc__)
    # An interrupt is for the driver, whose end closes standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The requests are for this process alone: what mpi4py starts would read them too.
    requests = os.fdopen(os.dup(sys.stdin.fileno()))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    try:
        subject = kinds[sys.argv[1]](int(sys.argv[2]), sys.argv[3] == "quick")
    except (ImportError, RuntimeError, OSError) as error:
        print("absent", " ".join(str(error).split()), flush=True)
        return
    serve(subject, requests)


if __name__ == "__main__":
    main()
