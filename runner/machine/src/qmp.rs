//! QEMU's monitor: a command and an answer a line, as JSON, with events in between that say nothing to us.

use crate::deadline;
use crate::error::Error;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

/// A monitor that takes commands.
pub struct Monitor {
    stream: BufReader<UnixStream>,
}

/// A line of the monitor.
#[derive(Debug, PartialEq)]
enum Line {
    Answer(Value),
    Refusal(String),
    Other,
}

impl Monitor {
    /// Takes the greeting and begins.
    ///
    /// # Errors
    /// It is no monitor, or does not answer in time.
    pub fn open(stream: UnixStream) -> Result<Monitor, Error> {
        stream.set_read_timeout(Some(deadline::MONITOR)).map_err(|why| Error::failed("set a time-out", why))?;
        let mut monitor = Monitor { stream: BufReader::new(stream) };
        monitor.command("qmp_capabilities", json!({}))?;
        Ok(monitor)
    }

    /// Gives a command and returns the answer.
    ///
    /// # Errors
    /// QEMU refuses it, has gone, or does not answer in time.
    pub fn command(&mut self, name: &str, arguments: Value) -> Result<Value, Error> {
        let failed = |why: &dyn std::fmt::Display| Error::failed(format!("QEMU's {name}"), why);
        let line = format!("{}\n", json!({"execute": name, "arguments": arguments}));
        self.stream.get_mut().write_all(line.as_bytes()).map_err(|why| failed(&why))?;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).map_err(|why| failed(&why))? == 0 {
                return Err(failed(&"it closed its monitor"));
            }
            match parse(&line) {
                Line::Answer(answer) => return Ok(answer),
                Line::Refusal(why) => return Err(failed(&why)),
                Line::Other => {}
            }
        }
    }
}

fn parse(line: &str) -> Line {
    let Ok(mut value) = serde_json::from_str::<Value>(line) else { return Line::Other };
    if let Some(error) = value.get("error") {
        return Line::Refusal(error.get("desc").and_then(Value::as_str).unwrap_or("refused").to_owned());
    }
    match value.get_mut("return") {
        Some(answer) => Line::Answer(answer.take()),
        None => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn lines_are_answers_refusals_or_nothing_to_us() {
        assert_eq!(parse(r#"{"return": {"status": "paused"}}"#), Line::Answer(json!({"status": "paused"})));
        let refusal = r#"{"error": {"class": "GenericError", "desc": "no such thing"}}"#;
        assert_eq!(parse(refusal), Line::Refusal("no such thing".to_owned()));
        assert_eq!(parse(r#"{"event": "STOP", "timestamp": {"seconds": 1}}"#), Line::Other);
        assert_eq!(parse(r#"{"QMP": {"version": {}, "capabilities": []}}"#), Line::Other);
        assert_eq!(parse("{"), Line::Other);
    }

    #[test]
    fn events_between_command_and_answer_are_passed_over() {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let qemu = thread::spawn(move || {
            let mut stream = BufReader::new(theirs);
            stream.get_mut().write_all(b"{\"QMP\": {}}\n").expect("writes");
            for answer in [
                "{\"return\": {}}\n",
                "{\"event\": \"RESUME\"}\n{\"return\": 7}\n",
                "{\"error\": {\"desc\": \"why\"}}\n",
            ] {
                let mut line = String::new();
                stream.read_line(&mut line).expect("reads");
                assert!(line.contains("execute"));
                stream.get_mut().write_all(answer.as_bytes()).expect("writes");
            }
        });
        let mut monitor = Monitor::open(ours).expect("opens");
        assert_eq!(monitor.command("cont", json!({})).expect("answers"), json!(7));
        let refused = monitor.command("migrate", json!({})).expect_err("refuses").to_string();
        assert_eq!(refused, "QEMU's migrate: why");
        qemu.join().expect("the other side is content");
        assert!(monitor.command("quit", json!({})).expect_err("it has gone").to_string().starts_with("QEMU's quit: "));
    }
}
