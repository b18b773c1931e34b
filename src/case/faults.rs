//! Case files with faults, held to the exact text of each.

use super::*;
use crate::diagnostic::Diagnostic;
use std::path::Path;

fn parse(text: &str) -> Result<Vec<Case>, Vec<Diagnostic>> {
    parse_case(text, Path::new("case.yaml"), "area/case")
}

fn shown(text: &str) -> Vec<String> {
    let faults = parse(text).expect_err(text);
    faults.iter().map(|fault| fault.to_string().trim_start_matches("case.yaml:").to_owned()).collect()
}

#[test]
fn faults_of_cases() {
    let table: &[(&str, &[&str])] = &[
        ("", &["1:1: the file is empty (it should hold one case, or manifests of Pods)"]),
        (
            "text",
            &[
                "1:1: expected a case or a v1 Pod, found text (a case begins with `about:`, a Pod with `apiVersion: v1`)",
            ],
        ),
        (
            "shows: [N1]\npods: {}\n",
            &[
                "1:1: a case has no about (add about:)",
                "1:1: a case has no pod (add pod:)",
                "2:1: pods: a case has no field \"pods\" (did you mean pod?)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: a, imag: x}]}\nexpects: []\n",
            &[
                "3:38: pod.containers[1].name: the Pod has a container \"a\" already (each container of a Pod has a name of its own)",
                "3:41: pod.containers[1].imag: a container has no field \"imag\" (did you mean image?)",
                "4:1: expects: a case has no field \"expects\" (did you mean expect?)",
            ],
        ),
        (
            "about: One. Two.\nshows: []\npod: [a]\n",
            &[
                "1:8: about: expected one sentence (say on one line what behaviour the case shows, and end it with a full stop)",
                "2:8: shows: no property is named (expected ids, as in [N1, N2])",
                "3:6: pod: expected a map (`key: value`), found a list",
            ],
        ),
        (
            "about: A Pod\nshows: N1\npod: {containers: []}\n",
            &[
                "1:8: about: expected one sentence (say on one line what behaviour the case shows, and end it with a full stop)",
                "2:8: shows: expected a list (`- item`), found text",
                "3:19: pod.containers: a Pod has at least one container",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1, n3, N11, Z1, N1, 5]\npod: {kind: Deployment}\n",
            &[
                "2:13: shows[1]: no property is called \"n3\" (did you mean N3?)",
                "2:17: shows[2]: no property is called \"N11\" (there are N1 to N10)",
                "2:22: shows[3]: no property is called \"Z1\" (expected the id of a property, as in N3)",
                "2:26: shows[4]: N1 is named twice (name each property once)",
                "2:30: shows[5]: expected text, found a number (quote it: \"5\")",
                "3:13: pod.kind: expected \"Pod\", found \"Deployment\" (a case takes a v1 Pod, or the spec of one)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a, resources: {limits: {memory: 64MB}}}]}\n",
            &[
                "3:59: pod.containers[0].resources.limits.memory: \"64MB\" is not a quantity (write 64M, or 64Mi for the binary unit)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nalone: perhaps\nrequires: [Swap]\nsource: kubernetes.io\nnode: {pod_pids_limit: 0, pids: 1}\n",
            &[
                "4:8: alone: expected true or false, found text",
                "5:12: requires[0]: \"Swap\" is not a name (expected lower-case letters, digits and `-`)",
                "6:9: source: \"kubernetes.io\" is not a link (expected one that begins with https://)",
                "7:24: node.pod_pids_limit: 0 is out of range (expected a whole number of at least 1)",
                "7:27: node.pids: node has no field \"pids\" (expected one of pod_pids_limit, single_process_oom_kill, allowed_unsafe_sysctls, back_off)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nalone: true\nalone: false\n",
            &[
                "5:1: the key \"alone\" stands here for the second time (each key stands once in a map; remove one of the two)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}]}\nwhile: x\nnode: {back_off: 2s}\nsteps:\n- {restarts: b, count: 1}\n- {restarts: a}\n- {stop: a, grace: 2}\n- {stop: a, grace: 2s, at_least: 1}\n- {stop: a, grace: 2m}\n- {kill: c}\n- {phase: failed}\n- {refused: a, because: x}\n- {starts: sandbox}\n- {remove: b}\n- {terminate: 5}\n- {volume: x, file: y, equals: z}\n- {volume: x, file: ../y}\n",
            &[
                "4:8: while: no init container is called \"x\" (the Pod has none that ends)",
                "5:18: node.back_off: \"2s\" is no back-off (expected milliseconds up to 10000ms, as in 50ms)",
                "7:14: steps[0].restarts: no container is called \"b\" (this case has a)",
                "8:3: steps[1]: restarts has no count (add count:)",
                "9:20: steps[2].grace: expected text, found a number (quote it: \"2\")",
                "10:34: steps[3].at_least: expected text, found a number (quote it: \"1\")",
                "11:20: steps[4].grace: \"2m\" is no time (expected whole seconds up to 60s, as in 2s)",
                "12:10: steps[5].kill: no member is called \"c\" (this case has sandbox, a)",
                "13:11: steps[6].phase: \"failed\" is not known here (did you mean Failed?)",
                "14:16: steps[7].because: refused has no field \"because\" (expected one of refused, says, property)",
                "15:12: steps[8].starts: no container is called \"sandbox\" (this case has a)",
                "16:12: steps[9].remove: no container is called \"b\" (this case has a)",
                "17:15: steps[10].terminate: expected text, found a number (quote it: \"5\")",
                "18:12: steps[11].volume: no volume is called \"x\" (none is made for this Pod)",
                "19:3: steps[12]: a file of a volume has no equals (add equals:)",
                "19:12: steps[12].volume: no volume is called \"x\" (none is made for this Pod)",
                "19:21: steps[12].file: \"../y\" is not the name of a file (one at the top of the volume, as in notes)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nexpect:\n- {fact: limits.memory_bytes, of: [c], equals: 1}\n- {same: net, of: [a]}\n- {same: nets, of: [a, b]}\n- {differ: pid}\n- {host: shm, of: [a]}\n- {fact: a b, equals: 1}\n- {fact: x}\n- {fact: x, equals: 1, contains: 2}\n- {of: [a]}\n- {same: net, of: [a, a]}\n- {fact: x, absent: false}\n- {fact: x, at_least: many}\n- {fact: x, equals: 1, property: N99}\n- {fact: x, lacks: []}\n",
            &[
                "5:36: expect[0].of[0]: no member is called \"c\" (this case has sandbox, a, b)",
                "6:19: expect[1].of: expected at least 2 members, found 1",
                "7:10: expect[2].same: \"nets\" is not known here (did you mean net?)",
                "8:3: expect[3]: differ has no of (add of:)",
                "9:10: expect[4].host: \"shm\" is not known here (expected one of net, ipc, uts, pid, mnt, user, cgroup, time)",
                "10:10: expect[5].fact: \"a b\" is not the path of a fact (as in limits.memory_bytes)",
                "11:3: expect[6]: nothing is asked of the fact (add one of equals, contains, lacks, absent, at_least)",
                "12:24: expect[7].contains: contains is a second test (write one expectation for each)",
                "13:3: expect[8]: this expects nothing (expected a map with one of fact, same, differ, host)",
                "14:19: expect[9].of: expected at least 2 members, found 1",
                "14:23: expect[9].of[1]: a is named twice (name each member once)",
                "15:21: expect[10].absent: absent takes only true (for a fact that is there, ask what it equals or contains)",
                "16:23: expect[11].at_least: expected a whole number of at least 0, found text",
                "17:34: expect[12].property: no property is called \"N99\" (there are N1 to N10)",
                "18:20: expect[13].lacks: nothing is named (expected a value or a list of values)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nexpect: {fact: x}\n",
            &["4:9: expect: expected a list (`- item`), found a map"],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nsteps:\n- {in: c, run: [true]}\n- {in: sandbox, run: []}\n- {in: a, run: [echo], expect: {signal: SIGKILL}}\n- {in: a, run: [echo], expect: {signal: KIL}}\n- {in: a, run: [echo], expect: {signal: KILL, exit: 137}}\n- {in: a, run: [echo], expect: {exit: 256, stdin: x}}\n- {run: [echo]}\n- {ends: a}\n- {ends: beside/a, exit: 0}\n- {ends: a, exit: 0, reason: OOM, within: 61s}\n- {}\n- echo\n- {in: a, run: [echo], expect: {stdout_contains: ''}}\n- {in: a, run: [echo], expect: 0}\n- {restart: containerd}\n",
            &[
                "5:8: steps[0].in: no container is called \"c\" (this case has a, b)",
                "6:8: steps[1].in: no container is called \"sandbox\" (this case has a, b)",
                "6:22: steps[1].run: there is no command (as in run: [allocate, 64Mi])",
                "7:41: steps[2].expect.signal: \"SIGKILL\" is not known here (signals are named without SIG: write KILL)",
                "8:41: steps[3].expect.signal: \"KIL\" is not known here (did you mean KILL?)",
                "9:33: steps[4].expect.signal: exit and signal exclude each other (signal: KILL is exit: 137)",
                "10:39: steps[5].expect.exit: 256 is out of range (expected a whole number from 0 to 255)",
                "10:44: steps[5].expect.stdin: the expectation of a command has no field \"stdin\" (expected one of exit, signal, stdout, stdout_contains, stdout_lacks, stderr_contains)",
                "11:3: steps[6]: a command has no in (add in:)",
                "12:3: steps[7]: the end of a container has no exit (add exit: N or signal: NAME)",
                "13:10: steps[8].ends: no container is called \"beside/a\" (this case has a, b)",
                "14:30: steps[9].reason: \"OOM\" is not known here (expected one of Completed, Error, OOMKilled)",
                "14:43: steps[9].within: \"61s\" is no time (expected whole seconds up to 60s, as in 2s)",
                "15:3: steps[10]: this step does nothing (expected a map with `in` and `run`, or one of fact, same, differ, host, ends, starts, restarts, refused, stop, remove, terminate, volume, logs, resize, restart, kill, phase)",
                "16:3: steps[11]: expected a map (`key: value`), found text",
                "17:50: steps[12].expect.stdout_contains: an empty text is in every output (name some text)",
                "18:32: steps[13].expect: expected a map (`key: value`), found a number",
                "19:13: steps[14].restart: \"containerd\" is not known here (expected daemon)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nknown:\n- {property: N3}\n",
            &[
                "5:3: known[0]: a known difference has no seen (add seen:)",
                "5:3: known[0]: a known difference has no because (add because:)",
                "5:3: known[0]: a known difference has no source (add source:)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nknown:\n- {property: N3, members: [c], seen: own, because: x, source: y, when: {cgroup: v3, kernel: 1.3, versions: {runc: [1]}, runtimes: docker, abilities: [A]}}\n",
            &[
                "5:28: known[0].members[0]: no member is called \"c\" (this case has sandbox, a, b)",
                "5:63: known[0].source: \"y\" is not a link (expected one that begins with https://)",
                "5:81: known[0].when.cgroup: \"v3\" is not known here (expected one of v1, hybrid, v2)",
                "5:93: known[0].when.kernel: expected text, found a number (quote it: \"1.3\")",
                "5:115: known[0].when.versions.runc: expected text, found a list",
                "5:121: known[0].when.runtimes: when has no field \"runtimes\" (did you mean runtime?)",
                "5:151: known[0].when.abilities[0]: \"A\" is not a name (expected lower-case letters, digits and `-`)",
            ],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nrows: []\n",
            &["4:7: rows: there are no rows (add some, or remove rows:)"],
        ),
        (
            "about: A Pod.\nshows: [N1]\npod: {containers: [{name: a}, {name: b}]}\nrows:\n- {row: one, x: 1}\n- {row: one}\n- {y: 2}\n- {row: B}\n- text\n",
            &[
                "5:14: rows[0].x: nothing uses the value x (write ${x} where it belongs, or remove it)",
                "6:9: rows[1].row: there is a row \"one\" already (each row has a name of its own)",
                "7:3: rows[2]: a row has no name (add row: NAME)",
                "8:9: rows[3].row: \"B\" is not a name (expected lower-case letters, digits and `-`)",
                "9:3: rows[4]: expected a map (`key: value`), found text",
            ],
        ),
        (
            "about: A Pod ${x}.\nshows: [N1]\npod: {containers: [{name: a, command: ['${y}', '${z']}]}\nrows: [{row: one, x: 1}]\n",
            &["3:40: the row \"one\" has no value \"y\" (it has x)"],
        ),
        ("apiVersion: v1\nabout: x\n", &["1:1: the manifest has no kind (podcheck takes a v1 Pod: add `kind: Pod`)"]),
    ];
    for (text, expected) in table {
        assert_eq!(shown(text), *expected, "{text}");
    }
}
