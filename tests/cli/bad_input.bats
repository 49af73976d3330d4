#!/usr/bin/env bats
# What is wrong on the command line or in a configuration is told in one sentence, with exit status 2,
# before anything is started or written.

load helpers

# An otherwise right experiment.
sound=(--out out --workload null --tasks 10 --reps 1 --launches 1)

# --- commands and options ------------------------------------------------------------------------

@test "no command, or an unknown one" {
    refused 'a command is needed' run report --
    refused "'rnu'" 'run' "did you mean 'run'" -- rnu
    refused "'frobnicate'" 'allowed' -- frobnicate
    refused 'nothing to run' -- run
    refused "'wrokloads'" "did you mean 'workloads'" -- list wrokloads
    refused 'folder of a run' -- report
    refused 'folder of a run' -- plot
    refused 'one too many' -- report a b
    refused "'--frmat'" -- report --frmat csv a
    refused "'xml'" text csv json -- report --format xml a
}

@test "unknown options, with the nearest" {
    refused "'bakends'" "did you mean 'backends'" -- run "${sound[@]}" --bakends mpi
    refused "'-x'" -- run "${sound[@]}" -x
    refused "'out'" -- run --set out=elsewhere "${sound[@]}"
}

@test "options without their value" {
    refused '--tasks' -- run "${sound[@]}" --tasks
    refused '--out' -- run --workload null --out
    refused '--format' 'text' 'csv' -- report --format
}

@test "--set takes KEY=VALUE" {
    refused '--set' "'nonsense'" KEY=VALUE -- run "${sound[@]}" --set nonsense
    refused '--set' "'=3'" -- run "${sound[@]}" --set =3
    refused '--set' "'wrokers'" "did you mean 'workers'" -- run "${sound[@]}" --set wrokers=3
    refused '--set workers' '0 is below 1' -- run "${sound[@]}" --set workers=0
}

# --- names ---------------------------------------------------------------------------------------

@test "unknown workload, parameter of it, or value" {
    refused '--workload' "'slep'" "did you mean 'sleep'" 'null, sleep, burn, square' \
        -- run "${sound[@]}" --workload slep
    refused '--workload' "'tiem'" "did you mean 'time'" -- run "${sound[@]}" --workload 'sleep tiem=3ms'
    refused '--workload' "'soon'" 'duration' -- run "${sound[@]}" --workload 'sleep time=soon'
    refused '--workload' 'slope' 'linear' -- run "${sound[@]}" --workload 'burn shape=slope'
}

@test "unknown backend" {
    refused '--backends' "'procpol'" "did you mean 'procpool'" -- run "${sound[@]}" --backends procpol
    refused '--backends' "'opnemp'" "did you mean 'openmp'" -- run "${sound[@]}" --backends seq,opnemp
}

@test "unknown backend: those of --cell are allowed too" {
    refused '--backends' "'mokc'" "did you mean 'mock'" \
        -- run "${sound[@]}" --cell 'mock=./mock_cell' --backends mokc
}

@test "unknown schedule, dispatch, bind, format, color" {
    refused '--schedules' "'dynmic'" "did you mean 'dynamic'" -- run "${sound[@]}" --schedules dynmic
    refused '--dispatch' "'tiket'" "did you mean 'ticket'" -- run "${sound[@]}" --dispatch tiket
    refused '--bind' "'clos'" "did you mean 'close'" -- run "${sound[@]}" --bind clos
    refused '--format' "'xml'" 'text' 'csv' 'json' -- run "${sound[@]}" --format xml
    refused '--color' "'sometimes'" 'auto' 'always' 'never' -- run "${sound[@]}" --color sometimes
}

@test "unknown claim metric, filter, or value" {
    refused '--claim' 'S1' "'tiem'" "did you mean 'time'" -- run "${sound[@]}" --claim 'S1 tiem 3s'
    refused '--claim' 'S1' "'wrokers'" -- run "${sound[@]}" --claim 'S1 time 3s wrokers=2'
    refused '--claim' 'S1' "'3x'" -- run "${sound[@]}" --claim 'S1 time 3x'
    refused '--claim' 'ID METRIC VALUE' -- run "${sound[@]}" --claim 'S1 time'
}

@test "unknown experiment in --only" {
    printf '[one]\nworkload = null\n[two]\nworkload = null\n' >x.ini
    refused '--only' "'tow'" 'one, two' "did you mean 'two'" -- run x.ini --out out --only tow
    refused '--only' "'x*'" -- run x.ini --out out --only 'one,x*'
}

# --- numbers and lists ---------------------------------------------------------------------------

@test "worker counts: 0, negative, a billion, no number, no end" {
    refused '--workers' '0 is below 1' '4096' -- run "${sound[@]}" --workers 0
    refused '--workers' '1000000000 is above 4096' -- run "${sound[@]}" --workers 1000000000
    refused '--workers' '1..' 'lacks an end' -- run "${sound[@]}" --workers 1..
    refused '--workers' "'usabel'" "did you mean 'usable'" -- run "${sound[@]}" --workers usabel
    refused '--workers' '-1' -- run "${sound[@]}" --workers -1
}

@test "a negative count is told with what is allowed" {
    refused '--workers' '-1' 'allowed' -- run "${sound[@]}" --workers -1
}

@test "chunk 0, or no number" {
    refused '--chunks' '0 is below 1' 'auto' -- run "${sound[@]}" --chunks 0
    refused '--chunks' "'ato'" 'auto' -- run "${sound[@]}" --chunks ato
}

@test "task counts that are none" {
    refused '--tasks' "'abc'" -- run "${sound[@]}" --tasks abc
    refused '--tasks' '-5' -- run "${sound[@]}" --tasks -5
    refused '--tasks' "'1e3'" -- run "${sound[@]}" --tasks 1e3
    refused '--tasks' "'1.5'" -- run "${sound[@]}" --tasks 1.5
    refused '--tasks' 'above' -- run "${sound[@]}" --tasks 2T
}

@test "empty lists and lists with holes" {
    local key
    for key in workers tasks chunks backends schedules dispatch; do
        refused "--$key" 'empty' -- run "${sound[@]}" "--$key" ''
        refused "--$key" 'empty' -- run "${sound[@]}" "--$key" '1,,2'
    done
    refused '--workload' 'empty' -- run "${sound[@]}" --workload 'null||null'
    refused '--backends' 'twice' -- run "${sound[@]}" --backends procpool,procpool
}

@test "one number where one is wanted, within its limits" {
    refused '--reps' "'1,2'" 'list' -- run "${sound[@]}" --reps 1,2
    refused '--reps' '0 is below 1' -- run "${sound[@]}" --reps 0
    refused '--launches' "'x'" -- run "${sound[@]}" --launches x
    refused '--max-cells' '1 is below 2' -- run "${sound[@]}" --max-cells 1
    refused '--seed' '-1' -- run "${sound[@]}" --seed -1
    refused '--precision' '200' '100' -- run "${sound[@]}" --precision 200
    refused '--precision' '6 samples' 'reps 5' -- run --out out --workload null --launches 1 --reps 5 --precision 2
    refused '--scale' '0' -- run "${sound[@]}" --scale 0
    refused '--scale' "'nan'" -- run "${sound[@]}" --scale nan
    refused '--max-seconds' "'soon'" 'duration' -- run "${sound[@]}" --max-seconds soon
    refused '--cell-timeout' "'soon'" 'duration' -- run "${sound[@]}" --cell-timeout soon
    refused '--trace' "'perhaps'" 'yes' 'no' -- run "${sound[@]}" --trace=perhaps
}

# --- combinations that cannot be -----------------------------------------------------------------

@test "a CPU that is not there" {
    refused '99' 'does not exist' 'allowed' -- run "${sound[@]}" --bind 9999
    refused '99' 'does not exist' -- run "${sound[@]}" --bind 'none|9999'
}

@test "a CPU that is not there: with the place" {
    refused '--bind' '9999' -- run "${sound[@]}" --bind 9999
    refused_ini 'x.ini:3' 'bind' '9999' <<<$'[a]\nworkload = null\nbind = 9999'
}

@test "ranks that do not divide the workers" {
    refused 'hybrid' '4 workers' -- run "${sound[@]}" --oversubscribe --backends hybrid --workers 4 --ranks 3
}

@test "ranks that do not divide the workers: with place, value, and what is allowed" {
    refused '--ranks' '3' 'allowed' 'hybrid' \
        -- run "${sound[@]}" --oversubscribe --backends hybrid --workers 4 --ranks 3
    refused_ini 'x.ini:5' 'ranks' '3' <<<$'[a]\nbackends = hybrid\noversubscribe = yes\nworkers = 4\nranks = 3'
}

@test "more MPI ranks than slots need --oversubscribe" {
    refused 'mpi' '4000 ranks' '--oversubscribe' -- run "${sound[@]}" --backends mpi --workers 4000
}

@test "more MPI ranks than slots: with the place" {
    refused '--workers' '4000' '--oversubscribe' -- run "${sound[@]}" --backends mpi --workers 4000
    refused_ini 'x.ini:3' 'workers' '4000' <<<$'[a]\nbackends = mpi\nworkers = 4000'
}

@test "ranks and slots of a machine that we lack" {
    export HWLOC_SYNTHETIC='pack:2 core:8 pu:2'
    run_split 0 "$poolmark" run --dry-run "${sound[@]:2}" --backends mpi,hybrid --workers 16 --ranks all
    refused '--workers' 'mpi' '17 ranks' '16 slots' '--oversubscribe' -- run "${sound[@]}" --dry-run --backends mpi --workers 17
    refused '--workers' 'hybrid' '24 ranks' '16 slots' -- run "${sound[@]}" --dry-run --backends hybrid --workers 24 --ranks 12,24
    refused '--ranks' '3, 5: none divides the 16 workers of hybrid' \
        -- run "${sound[@]}" --dry-run --backends hybrid --workers 16 --ranks 3,5
    run_split 0 "$poolmark" run --dry-run "${sound[@]:2}" --backends mpi --workers 17 --oversubscribe
}

@test "a dispatch that the backend does not carry" {
    refused "'master'" 'openmp' 'allowed' -- run "${sound[@]}" --backends openmp --dispatch master
    refused "'static'" 'procpool' "'dynamic'" 'allowed: auto, ticket' -- run "${sound[@]}" --dispatch static
}

@test "a dispatch that the backend does not carry: with the place" {
    refused '--dispatch' "'master'" -- run "${sound[@]}" --backends openmp --dispatch master
    refused_ini 'x.ini:3' 'dispatch' "'master'" <<<$'[a]\nbackends = openmp\ndispatch = master'
}

@test "several dispatches of which a backend and schedule can have none" {
    refused '--dispatch' "none of 'rma', 'master'" "'dynamic'" 'procpool' 'allowed: auto, ticket' \
        -- run "${sound[@]}" --dispatch rma,master
    refused '--dispatch' "'ticket', 'master'" "'static'" 'procpool' 'allowed: auto, static' \
        -- run "${sound[@]}" --dispatch ticket,master --schedules dynamic,static
}

@test "a master that works not, and nobody else" {
    refused '--dispatch' 'master-only' 'mpi' '2 ranks' '1 worker makes 1 rank' \
        -- run "${sound[@]}" --backends mpi --dispatch master-only --workers 1
    refused 'master-only' 'mpi' -- run "${sound[@]}" --backends mpi --dispatch ticket,master-only --workers 1
    refused_ini 'x.ini:4' 'master-only' 'hybrid' '4 workers make 1 rank' \
        <<<$'[a]\nbackends = hybrid\nworkers = 4\ndispatch = master-only\nranks = 1'
}

@test "a schedule that no dispatch of the backend carries: with those that can" {
    need_schedule taskloop
    refused '--schedules' "'taskloop'" 'procpool' 'openmp, openmp:gomp, openmp:llvm' \
        -- run "${sound[@]}" --schedules dynamic,taskloop
    refused_ini 'x.ini:4' "'rma'" "'steal'" 'mpi' 'twolevel' \
        <<<$'[a]\nschedules = steal\nbackends = mpi\ndispatch = rma'
}

@test "parameters of schedules" {
    need_schedule fsc
    refused '--schedules' "'hh'" -- run "${sound[@]}" --schedules 'fsc hh=1us'
    refused '--schedules' 'h' "'soon'" -- run "${sound[@]}" --schedules 'dynamic, fsc h=soon'
    refused '--schedules' 'share' '7' -- run "${sound[@]}" --schedules 'pls share=7'
    refused_ini 'x.ini:3' "'fscc'" "did you mean 'fsc'" <<<$'[a]\nworkload = null\nschedules = fscc'
}

@test "what a schedule reckons with is missing, and may not be measured" {
    need_schedule fsc
    refused '--schedules' 'fsc' 'sd' -- run "${sound[@]}" --calibrate=no --schedules 'dynamic, fsc h=1us'
    refused_ini 'x.ini:3' 'schedules' 'fac' 'mean' <<<$'[a]\ncalibrate = no\nschedules = fac sd=1us'
    run_split 0 "$poolmark" run "${sound[@]}" --dry-run --calibrate=no --schedules 'fsc h=1us sd=1us'
    refused '--calibrate' "'perhaps'" -- run "${sound[@]}" --calibrate=perhaps
}

@test "--cell that is malformed" {
    local text
    for text in nonsense '=./mock_cell' 'mock=' 'a b=./mock_cell' 'mock=./mock_cell|'; do
        refused '--cell' NAME=COMMAND -- run "${sound[@]}" --cell "$text" || [[ $stderr == *blank* ]]
    done
    refused '--cell' "'seq'" 'built in' -- run "${sound[@]}" --cell 'seq=./mock_cell'
    refused '--cell' 'new is named twice' -- run "${sound[@]}" --cell new=./a --cell newer=./b --cell new=./c
}

@test "--cell may be repeated" {
    run_split 0 "$poolmark" run "${sound[@]}" --dry-run --backends old,new --cell old=./mock_cell --cell new=./mock_cell
    assert_words "$output" old new
}

# --- plug-ins ------------------------------------------------------------------------------------

@test "plug-ins that are none" {
    refused '--workload' 'fixtures/plugin_no_symbol.so' 'poolmark_workload' \
        -- run "${sound[@]}" --workload ./fixtures/plugin_no_symbol.so
    refused '--workload' 'fixtures/plugin_other_abi.so' 'ABI 2' 'ABI 1' \
        -- run "${sound[@]}" --workload ./fixtures/plugin_other_abi.so
    refused '--workload' 'fixtures/plugin_absent.so' 'No such file' \
        -- run "${sound[@]}" --workload ./fixtures/plugin_absent.so
    printf 'this is no shared object\n' >text.so
    refused '--workload' './text.so' -- run "${sound[@]}" --workload ./text.so
}

@test "a plug-in with a wrong parameter" {
    refused '--workload' "'stpe'" "did you mean 'step'" \
        -- run "${sound[@]}" --workload './fixtures/plugin_good.so stpe=3'
    refused 'step=13' 'allowed' -- run "${sound[@]}" --workload './fixtures/plugin_good.so step=13'
}

@test "a plug-in that refuses its parameters: with the place" {
    refused '--workload' 'step=13' -- run "${sound[@]}" --workload './fixtures/plugin_good.so step=13'
}

# --- configuration files -------------------------------------------------------------------------

@test "a file that cannot be read" {
    refused 'none.ini' 'No such file' -- run none.ini --out out
    mkdir folder
    refused 'folder' 'directory' -- run folder --out out
    refused 'none.ini' -- list experiments none.ini
}

@test "a binary file" {
    cp "$poolmark" binary.ini
    refused 'binary.ini:1' 'no text' -- run binary.ini --out out
    printf '[a]\nworkload = null\0\n' >zero.ini
    refused 'zero.ini:2' '0x00' -- run zero.ini --out out
    printf '[a]\nworkers = 1\nworkload = \001\n' >control.ini
    refused 'control.ini:3' '0x01' -- run control.ini --out out
}

@test "a line that is too long" {
    refused_ini 'x.ini:2' 'bytes' <<<"[a]"$'\n'"title = $(printf '%0300d' 7)"
}

@test "an unknown key" {
    refused_ini 'x.ini:3' "'wrokers'" "did you mean 'workers'" <<<$'[a]\nworkload = null\nwrokers = 3'
    refused_ini 'x.ini:2' "'out'" <<<$'[a]\nout = elsewhere'
}

@test "a key of [defaults] in a section" {
    refused_ini 'x.ini:3' 'seed' '[defaults]' <<<$'[a]\nworkload = null\nseed = 3'
    refused_ini 'x.ini:2' 'max-seconds' '[defaults]' <<<$'[a]\nmax-seconds = 3'
}

@test "duplicate section, duplicate key, key before any section" {
    refused_ini 'x.ini:4' 'duplicate' '[a]' 'x.ini:1' <<<$'[a]\nworkers = 1\n[b]\n[a]'
    refused_ini 'x.ini:3' 'duplicate' '[defaults]' <<<$'[defaults]\nworkers = 1\n[defaults]\n[a]'
    refused_ini 'x.ini:3' 'duplicate' "'workers'" <<<$'[a]\nworkers = 1\nworkers = 2'
    refused_ini 'x.ini:1' "'workers'" 'before any section' <<<$'workers = 1\n[a]'
}

@test "a duplicate section in another file" {
    printf '[a]\nworkload = null\n' >x.ini
    printf '\n[a]\nworkload = null\n' >y.ini
    refused 'y.ini:2' 'duplicate' '[a]' 'x.ini:1' -- run x.ini y.ini --out out
}

@test "lines that are none, sections without name or end" {
    refused_ini 'x.ini:2' <<<$'[a]\nhello world'
    refused_ini 'x.ini:2' <<<$'[a]\n= 3'
    refused_ini 'x.ini:1' 'bracket' <<<$'[a\nworkers = 1'
    refused_ini 'x.ini:2' 'name' <<<$'\n[]'
    refused_ini 'x.ini:1' "'a/b'" <<<$'[a/b]\nworkers = 1'
}

@test "a file without an experiment" {
    refused_ini 'x.ini' 'section' </dev/null
    refused_ini 'x.ini' 'section' <<<$'# nothing\n[defaults]\nworkers = 1'
}

@test "a wrong value: file, line, key, value, what is allowed" {
    refused_ini 'x.ini:4' 'workers' '0 is below 1' '4096' <<<$'# first\n[a]\nworkload = null\nworkers = 0'
    refused_ini 'x.ini:2' 'backends' "'opnemp'" "did you mean 'openmp'" <<<$'[a]\nbackends = opnemp'
    refused_ini 'x.ini:2' 'workers' 'empty' <<<$'[a]\nworkers ='
    refused_ini 'x.ini:2' 'tasks' "'abc'" <<<$'[defaults]\ntasks = abc\n[a]\nworkers = 1'
    refused_ini 'x.ini:2' 'seed' "'abc'" <<<$'[defaults]\nseed = abc\n[a]\nworkers = 1'
}

@test "a wrong value in a continued line" {
    refused_ini 'x.ini:2' 'workers' '0 is below 1' <<<$'[a]\nworkers = 1,\n    0'
}

@test "a byte-order mark is passed over" {
    printf '\xef\xbb\xbf[a]\r\nworkload = null\r\ntasks = 10\r\n' >x.ini
    run_split 0 "$poolmark" run x.ini --dry-run
}

@test "the first of several mistakes is told, once" {
    refused_ini 'x.ini:2' "'abc'" <<<$'[a]\ntasks = abc\nworkers = 0\n[b]\nchunks = 0'
}

@test "no mistake is told when it is overruled on the command line" {
    printf '[a]\nworkload = null\nworkers = 0\n' >x.ini
    run_split 0 "$poolmark" run x.ini --dry-run --workers 1
}

# --- resuming ------------------------------------------------------------------------------------

@test "--resume takes no files and no other experiment" {
    mock_run --cell 'mock=./mock_cell' >/dev/null
    printf '[a]\nworkload = null\n' >x.ini
    refused '--resume' 'x.ini' -- run --resume out x.ini
    refused '--reps' '--resume' -- run --resume out --reps 9
    refused '--reps' '--resume' -- run --resume out --set reps=9
    refused '--out' '--resume' -- run --resume out --out other
    refused 'none' -- run --resume none
    refused 'manifest.json' -- run --resume fixtures
}
