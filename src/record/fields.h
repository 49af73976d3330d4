/* The fields of a point and of a sample, each declared once: name, type, unit and meaning.
 *
 * From these lists come the structs (record.h), the CSV header, the CSV and JSON writers and
 * readers (record.c, journal.c), and the reference page (`poolmark list fields`). To add a field,
 * add a row.
 *
 *     F(type, name, "unit", "meaning")
 *
 * Types: text (a short string), count (uint64_t; in JSON below 2^63), bits (uint64_t; in JSON as
 * the signed number of the same 64 bits), real (double; NaN is written as an empty cell), flag (0
 * or 1).
 */
#ifndef POOLMARK_RECORD_FIELDS_H
#define POOLMARK_RECORD_FIELDS_H

/* One combination of factors. Two points are the same when all of these are equal. */
#define POINT_FIELDS(F)                                                                            \
    F(text, experiment, "", "section of the configuration that asked for it")                      \
    F(text, workload, "", "workload with all parameters spelt out")                                \
    F(real, scale, "", "factor on the times of the workload")                                      \
    F(count, tasks, "", "number of tasks")                                                         \
    F(text, backend, "", "who runs the tasks")                                                     \
    F(text, schedule, "", "rule that sets chunk sizes, with the parameters given to it")           \
    F(text, dispatch, "", "mechanism by which a worker gets its next chunk")                       \
    F(count, chunk, "tasks",                                                                       \
      "chunk size; the least one where sizes differ; 1 where the rule's numbers are measured")     \
    F(flag, chunk_auto, "",                                                                        \
      "1 when the chunk size follows from the rule, 0 when it was asked for")                      \
    F(count, workers, "", "workers that compute")                                                  \
    F(count, ranks, "", "MPI ranks, 1 without MPI")                                                \
    F(count, threads, "", "threads of a rank or process")                                          \
    F(text, bind, "", "binding asked for: none, close, spread or a list of PUs")                   \
    F(flag, fresh, "", "1 when every sample opens and closes its workers and times that too")

/* One timed run of a point. Times in ns, whole. */
#define SAMPLE_FIELDS(F)                                                                           \
    F(count, order, "", "position in the run, from 0, in the order in which samples were taken")   \
    F(count, launch, "", "which fresh start of the cell, from 0")                                  \
    F(count, pass, "", "which pass over the points alive side by side, from 0, within the launch") \
    F(count, group, "", "which group of cells was alive side by side, from 0")                     \
    F(text, status, "",                                                                            \
      "ok, wrong (a wrong answer), misplaced (with bind-strict), died, timeout, nonsense or "      \
      "error")                                                                                     \
    F(count, wall_ns, "ns",                                                                        \
      "from the common start of the workers until their caller has all results")                   \
    F(count, window_ns, "ns",                                                                      \
      "from the call of the map to the common start; 0 where workers start when they are woken")   \
    F(count, span_ns, "ns", "from the common start of the workers to the last one's end")          \
    F(count, busy_ns, "ns", "running tasks, of all workers")                                       \
    F(count, claim_ns, "ns",                                                                       \
      "getting chunks, of all workers; 0 where the OpenMP runtime does that unseen")               \
    F(count, idle_ns, "ns", "neither, of all workers, within the span")                            \
    F(real, imbalance, "", "busy time of the busiest worker / mean busy time - 1")                 \
    F(count, nodes, "", "machines that the workers ran on")                                        \
    F(count, clock_error_ns, "ns", "residual error of the workers' clocks, 0 on one machine")      \
    F(real, h_ns, "ns", "cost of a chunk that the schedule reckoned with; empty: none")            \
    F(real, task_mean_ns, "ns", "mean time of a task that it reckoned with; empty: none")          \
    F(real, task_sd_ns, "ns", "standard deviation that it reckoned with; empty: none")             \
    F(count, open_ns, "ns", "making the workers, before the first sample of the launch")           \
    F(count, close_ns, "ns", "ending the workers; 0 unless fresh")                                 \
    F(count, user_ns, "ns", "user CPU time of all workers during the map")                         \
    F(count, sys_ns, "ns", "system CPU time of all workers during the map")                        \
    F(count, voluntary, "", "voluntary context switches of all workers")                           \
    F(count, involuntary, "", "involuntary context switches of all workers")                       \
    F(count, chunks, "", "chunks that were run")                                                   \
    F(count, tasks_least, "", "tasks of the worker that ran fewest")                               \
    F(count, tasks_most, "", "tasks of the worker that ran most")                                  \
    F(count, busy_workers, "", "workers that ran at least one task")                               \
    F(count, start_spread_ns, "ns", "from the first worker's start to the last worker's start")    \
    F(count, end_spread_ns, "ns", "from the first worker's end to the last worker's end")          \
    F(bits, sum, "", "sum of the terms that the tasks returned, modulo 2^64")                      \
    F(flag, verified, "",                                                                          \
      "1 when every index ran exactly once and the workload's own check passed")                   \
    F(count, misplaced, "", "workers that did not end where they were asked to run")               \
    F(count, chain_ps, "ps", "time of one iteration of a register chain, just before the sample")  \
    F(count, chain_end_ps, "ps", "the same, just after it; 0: not measured")                       \
    F(count, cpu_ns, "ns", "CPU time of all workers during the map, by their threads' clocks")     \
    F(count, lost_ns, "ns",                                                                        \
      "longest that one worker had something to do and no CPU; its own peers may have had it")     \
    F(count, wait_ns, "ns",                                                                        \
      "ready to run and waiting for a CPU, of all workers of the root's machine, by its "          \
      "scheduler")                                                                                 \
    F(count, faults, "", "page faults of all workers during the map, without the major ones")      \
    F(count, major_faults, "", "page faults of all workers that waited for a disk")                \
    F(count, migrations, "", "workers that ended on another PU than the one they began on")        \
    F(count, pus, "", "PUs on which workers began or ended; 0: not told")                          \
    F(count, steal_ns, "ns", "taken by other virtual machines, of all PUs, in steps of 10 ms")     \
    F(count, pressure_ns, "ns", "time in which some task of the machine waited for a CPU (PSI)")   \
    F(count, throttled_ns, "ns", "the cgroup's groups were stopped by their quota")                \
    F(count, noise_ns, "ns", "reading all this, before and after the sample, took so long")        \
    F(count, retake, "",                                                                           \
      "0, or how many times this sample had been taken before: the last counts")                   \
    F(text, flags, "",                                                                             \
      "what disturbed the sample: preempted, throttled, stolen, slow-clock, migrated, cold")       \
    F(count, cell_pid, "", "process that answered")                                                \
    F(count, taken_at_ns, "ns", "CLOCK_REALTIME when the sample arrived")                          \
    F(text, remark, "", "what a reader should know of how the sample was taken; mostly empty")     \
    F(text, error, "", "one sentence when status is not ok")

/* Where one worker of a launch was asked to run and was seen: placements.csv. */
#define PLACEMENT_FIELDS(F)                                                                        \
    F(count, launch, "", "as in samples.csv")                                                      \
    F(count, group, "", "as in samples.csv")                                                       \
    F(text, backend, "", "who runs the tasks")                                                     \
    F(count, workers, "", "workers that compute")                                                  \
    F(count, ranks, "", "MPI ranks, 1 without MPI")                                                \
    F(count, threads, "", "threads of a rank or process")                                          \
    F(text, bind, "", "binding asked for")                                                         \
    F(count, cell_pid, "", "process of the cell, as in samples.csv")                               \
    F(count, worker, "", "which worker, from 0")                                                   \
    F(count, rank, "", "its MPI rank")                                                             \
    F(count, thread, "", "its thread within the rank or process")                                  \
    F(count, pid, "", "its process")                                                               \
    F(text, requested_pu, "", "PU asked for; empty: it may float")                                 \
    F(text, observed_pu, "", "PU where it ran when it looked")                                     \
    F(text, observed_set, "", "PUs that it may run on")                                            \
    F(text, runtime, "", "OpenMP runtime or MPI library, and the variables that steer it")

/* One worker during one sample: workers.csv. */
#define WORKER_FIELDS(F)                                                                           \
    F(count, order, "", "the sample, as in samples.csv")                                           \
    F(count, worker, "", "which worker, from 0")                                                   \
    F(count, rank, "", "its MPI rank")                                                             \
    F(count, thread, "", "its thread within the rank or process")                                  \
    F(count, tasks, "tasks", "tasks that it ran")                                                  \
    F(count, chunks, "", "chunks that it ran")                                                     \
    F(count, start_ns, "ns", "from the common start to its own")                                   \
    F(count, end_ns, "ns", "from the common start to its end")                                     \
    F(count, busy_ns, "ns", "running tasks")                                                       \
    F(count, claim_ns, "ns", "getting chunks, as in samples.csv")

/* One chunk as it was run: trace.csv, with --trace. */
#define TRACE_FIELDS(F)                                                                            \
    F(count, order, "", "the sample, as in samples.csv")                                           \
    F(count, worker, "", "which worker, from 0")                                                   \
    F(count, pid, "", "its process")                                                               \
    F(count, rank, "", "its MPI rank")                                                             \
    F(count, thread, "", "its thread within the rank or process")                                  \
    F(text, pu, "", "PU where it ended")                                                           \
    F(count, first, "", "first task of the chunk")                                                 \
    F(count, count, "tasks", "tasks of the chunk")                                                 \
    F(count, start_ns, "ns", "CLOCK_MONOTONIC at its start")                                       \
    F(count, end_ns, "ns", "CLOCK_MONOTONIC at its end")

#endif
