# rt0lab: what one types while working on it. `just` alone lists the recipes.

# the one-binary build is fast; `go run` would turn every exit status into 1
rt0lab := justfile_directory() / "rt0lab"

# list the recipes
default:
    @just --list

# build the one binary
[group('use')]
build:
    @go build -o {{ rt0lab }} .

# a lesson with a live run: just lab 03
[group('use')]
lab NN *ARGS: build
    @{{ rt0lab }} lab {{ NN }} {{ ARGS }}

# check the exercises of a lab: just check 03
[group('use')]
check NN *ARGS: build
    @{{ rt0lab }} check {{ NN }} {{ ARGS }}

# judge all claims on releases: just verify go1.27.4
[group('use')]
verify GO='local' *ARGS: build
    @{{ rt0lab }} verify --go {{ GO }} {{ ARGS }}

# claim × release, from the recordings
[group('use')]
matrix *ARGS: build
    @{{ rt0lab }} matrix {{ ARGS }}

# every test, as CI runs them
[group('work')]
test *ARGS:
    go test ./... {{ ARGS }}

# lint of the code and of the data
[group('work')]
lint: build
    test -z "$(gofmt -l ebpf runner fixtures main*.go)"
    go vet ./...
    go tool staticcheck ./...
    {{ rt0lab }} --data . lint
    {{ rt0lab }} --with examples/bootstrap lint

# make the recordings anew: just record 03 go1.27.4
[group('work')]
record LAB='all' GO='all': build
    {{ rt0lab }} --data . record {{ LAB }} --go {{ GO }}

# are the recordings what a run sees today?
[group('work')]
check-recordings LAB='all' GO='all': build
    {{ rt0lab }} record {{ LAB }} --go {{ GO }} --check

# show that claims can fail; CI does each mutant in its era (--once), `just mutate all` every one on every release
[group('work')]
mutate GO='local' *ARGS: build
    {{ rt0lab }} mutate --go {{ GO }} {{ ARGS }}

# do the exercises with their solutions, on the oldest and the newest release
[group('work')]
prove *ARGS: build
    {{ rt0lab }} prove {{ ARGS }}

# write generated files anew
[group('work')]
generate:
    go generate ./...

# speed against one debugger start per claim, in one interleaved run
[group('work')]
bench *ARGS:
    go test -run '^$' -bench PerClaim -benchtime 1x ./runner/cli {{ ARGS }}

# what probes cost a starting program, against bpftrace, perf and dlv trace --ebpf, in one interleaved run
[group('work')]
bench-time *ARGS:
    go test -run '^$' -bench Share -benchtime 1x ./ebpf/startup
    go test -run '^$' -bench Alone -benchtime 4000x ./ebpf/startup
    go test -run '^$' -bench 'Lone|Observer' -benchtime 150x -timeout 1h ./ebpf/startup {{ ARGS }}

# what a step costs against gdb's and Delve's, in one interleaved run
[group('work')]
bench-trace *ARGS:
    go test -run '^$' -bench Steps -benchtime 1x ./runner/trace/step {{ ARGS }}

# all that CI does
[group('work')]
ci:
    bash .ci/run
