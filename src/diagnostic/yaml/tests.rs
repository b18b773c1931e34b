//! YAML as people write it, and what is no YAML.

use super::*;

fn fault(text: &str) -> String {
    let faults = Faults::new(text, Path::new("x.yaml"));
    documents(text, &faults).expect_err(text).to_string().trim_start_matches("x.yaml:").to_owned()
}

fn json(text: &str) -> String {
    let faults = Faults::new(text, Path::new("x.yaml"));
    documents(text, &faults).unwrap().iter().map(|node| node.to_json().to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn values() {
    for (text, value) in [
        ("a: 1\r\nb: [x, 'y', \"z\\n\"]\r\n", "{\"a\":1,\"b\":[\"x\",\"y\",\"z\\n\"]}"),
        ("\u{feff}a: ~\n", "{\"a\":null}"),
        ("base: &b {x: 1, y: 2}\nover: {<<: *b, y: 3}\n", "{\"base\":{\"x\":1,\"y\":2},\"over\":{\"y\":3,\"x\":1}}"),
        ("a: {<<: [{x: 1}, {x: 2, z: 3}], z: 4}\n", "{\"a\":{\"z\":4,\"x\":1}}"),
        ("a: &l [1, 2]\nb: *l\n", "{\"a\":[1,2],\"b\":[1,2]}"),
        ("'<<': 1\n", "{\"<<\":1}"),
        ("a: |\n  one\n  two\nb: >-\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}"),
        ("{\"a\": [true, null, 1.5, \"\\u00e9\"]}", "{\"a\":[true,null,1.5,\"é\"]}"),
        ("{\n\t\"a\": 1\n}", "{\"a\":1}"),
        ("1: x\ntrue: y\n", "{\"1\":\"x\",\"true\":\"y\"}"),
        ("a: !!str 5\nb: !!int \"5\"\nc: ! 7\n", "{\"a\":\"5\",\"b\":5,\"c\":\"7\"}"),
        ("a: 18446744073709551616\nb: .inf\nc: 1e3\n", "{\"a\":\"18446744073709551616\",\"b\":\".inf\",\"c\":1000.0}"),
        ("--- 1\n---\n--- 2\n...\n", "1 null 2"),
        ("", ""),
    ] {
        assert_eq!(json(text), value, "{text:?}");
    }
}

#[test]
fn faults() {
    for (text, expected) in [
        (
            "a: 1\n\tb: 2\n",
            "2:1: not valid YAML: while scanning a plain scalar, found a tab (indent with spaces; YAML allows no tabs there)",
        ),
        (
            "a:\n\t- b\n",
            "2:1: not valid YAML: tabs disallowed within this context (block indentation) (indent with spaces; YAML allows no tabs there)",
        ),
        ("a: [1, 2\n", "1:9: not valid YAML: while parsing a flow sequence, expected ',' or ']'"),
        ("a: {b: 1\nc: 2\n", "2:2: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'"),
        ("a: b: c\n", "1:5: not valid YAML: mapping values are not allowed in this context"),
        ("a: 'x\n", "1:4: not valid YAML: while scanning a quoted scalar, found unexpected end of stream"),
        ("a\nb: 1\n", "2:2: not valid YAML: mapping values are not allowed in this context"),
        ("- a\nb: 1\n", "2:1: not valid YAML: while parsing a block collection, did not find expected '-' indicator"),
        ("a: 1\n b: 2\n", "2:3: not valid YAML: mapping values are not allowed in this context"),
        ("a: @x\n", "1:4: not valid YAML: unexpected character: `@'"),
        ("a: %x\n", "1:4: not valid YAML: unexpected character: `%'"),
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1: the key \"a\" stands here for the second time (each key stands once in a map; remove one of the two)",
        ),
        (
            "{a: 1, \"a\": 2}",
            "1:8: the key \"a\" stands here for the second time (each key stands once in a map; remove one of the two)",
        ),
        ("a: &x [*x]", "1:8: this alias stands inside of what it refers to"),
        ("a: *x", "1:4: not valid YAML: while parsing node, found unknown anchor"),
        ("a: !!binary aGVsbG8=", "1:13: the tag !!binary is not supported (write the value itself)"),
        ("a: !mine b", "1:10: the tag !mine is not supported (write the value itself)"),
        ("a: !mine [b]", "1:10: the tag !mine is not supported (write the value itself)"),
        ("ab\u{7}c", "1:3: a control character, U+0007, in the text (a case or a Pod manifest is a text file in YAML)"),
        ("a: {<<: 5}", "1:5: `<<` takes a map or a list of maps (as in `<<: *common`)"),
        ("a: {<<: [{}, 5]}", "1:5: `<<` takes a map or a list of maps (as in `<<: *common`)"),
        ("? [a]\n: b", "1:3: a key is text, and this is a list (quote it, or check the indentation)"),
        ("{a: 1}}", "1:7: not valid YAML: misplaced bracket"),
        ("a: \"\\q\"", "1:4: not valid YAML: while parsing a quoted scalar, found unknown escape character"),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn limits() {
    let bomb = (1..10).fold("- &a0 [x]\n".to_owned(), |text, n| {
        let before = format!("*a{}", n - 1);
        format!("{text}- &a{n} [{before}, {before}, {before}, {before}, {before}, {before}]\n")
    });
    for (text, expected) in [
        ("[".repeat(65), "1:65: nested more than 64 deep (a case or a Pod manifest is far flatter)"),
        (
            bomb,
            "8:28: the file has more than 600000 values, aliases counted each time (a manifest is far smaller; split a list of very many Pods)",
        ),
        (
            "x".repeat(8 * 1_048_576 + 1),
            "1:1: the file is larger than 8 MiB (a manifest has a few kilobytes; split a list of very many Pods)",
        ),
    ] {
        assert_eq!(fault(&text), expected);
    }
    assert_eq!(json(&("[".repeat(64) + &"]".repeat(64))).len(), 128);
}

#[test]
fn what_kubernetes_takes_is_taken() {
    for (text, value) in [
        ("a:\n  b: [\n  x\n]\nc: 1\n", "{\"a\":{\"b\":[\"x\"]},\"c\":1}"),
        ("a:\n- b: [\nx,\n {y: 1,\nz: [2\n]}\n]\n", "{\"a\":[{\"b\":[\"x\",{\"y\":1,\"z\":[2]}]}]}"),
        ("a:\n  b: [one\ntwo, \"three\nfour\"]\n", "{\"a\":{\"b\":[\"one two\",\"three four\"]}}"),
        ("a:\n  b: \"one\n two\n\n three\n\"\nc: 'x\ny'\n", "{\"a\":{\"b\":\"one two\\nthree \"},\"c\":\"x y\"}"),
        ("a:\n  b: 'it''s\nmore'\n  c: 1\n", "{\"a\":{\"b\":\"it's more\",\"c\":1}}"),
        ("a: \"it\\'s \\\\' \\\" that\\'s\"\n", "{\"a\":\"it's \\\\' \\\" that's\"}"),
        ("a: \"x\n  it\\'s\"\nb: 'it\\s'\n", "{\"a\":\"x it's\",\"b\":\"it\\\\s\"}"),
        ("a:\tx\nb: \t y\nc:\t[1]\n", "{\"a\":\"x\",\"b\":\"y\",\"c\":[1]}"),
        ("a: {b:\tc}\n", "{\"a\":{\"b\":\"c\"}}"),
        ("a:\n  b: [x,\n\ty]\n", "{\"a\":{\"b\":[\"x\",\"y\"]}}"),
        ("{\"a\": \"\\ud83d\\ude00 \\\\ud83d \\u00e9\"}", "{\"a\":\"😀 \\\\ud83d é\"}"),
        ("{\"a\": \"\\ud83d \\ude00\\ud83d\"}", "{\"a\":\"\u{fffd} \u{fffd}\u{fffd}\"}"),
        ("{\"a\": 1}\n{\n\"b\": [2]}\n\n  {\"c\": 3}", "{\"a\":1} {\"b\":[2]} {\"c\":3}"),
    ] {
        assert_eq!(json(text), value, "{text:?}");
    }
}

#[test]
fn what_was_rewritten_has_its_own_place() {
    let at = |text: &str, key: &str| {
        let faults = Faults::new(text, Path::new("x.yaml"));
        let node = documents(text, &faults).unwrap().remove(0);
        let Kind::Map(entries) = node.kind else { panic!("{text}") };
        let entry = entries.into_iter().find(|entry| entry.key == key).expect(key);
        (entry.value.at.line, entry.value.at.column)
    };
    assert_eq!(at("{a: \"it\\'s\", b: \"that\\'s\", c: 1}", "b"), (1, 17));
    assert_eq!(at("{a: \"it\\'s\", b: \"that\\'s\", c: 1}", "c"), (1, 31));
    assert_eq!(at("{\"a\": \"\\ud83d\\ude00\", \"b\": 1}", "b"), (1, 28));
    assert_eq!(at("{\"a\": \"\\ud83d\\ude00\", \"b\": 1}", "a"), (1, 7));
    let nested = "l:\n  m: [\n n, {k: 1, k: 2}]\n";
    let fault = documents(nested, &Faults::new(nested, Path::new("x.yaml"))).expect_err("a key stands twice");
    assert_eq!((fault.at.line, fault.at.column), (3, 12));
}

#[test]
fn what_kubernetes_refuses_is_refused() {
    for text in [
        "a: \"\\ud83d\\ude00\"\n",
        "a:\n\t- b\n",
        "a: 1\n\tb: 2\n",
        "a:\n  b: [\n---\n]\n",
        "a: \"\\q\\'\"",
        "{\"a\": 1} {\"b\": 2}",
    ] {
        let faults = Faults::new(text, Path::new("x.yaml"));
        assert!(documents(text, &faults).is_err(), "{text:?}");
    }
}

#[test]
fn a_hostile_file_is_not_rewritten_forever() {
    let lines = "\n]".repeat(200_000);
    let nested = format!("a:\n  b: {}{lines}", "[".repeat(60));
    let begun = std::time::Instant::now();
    let _ = documents(&nested, &Faults::new(&nested, Path::new("x.yaml")));
    let escapes = format!("a: \"{}", "\\'".repeat(400_000));
    let _ = documents(&escapes, &Faults::new(&escapes, Path::new("x.yaml")));
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}
