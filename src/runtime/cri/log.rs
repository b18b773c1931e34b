//! The log of a container in the format that CRI asks for: `TIME STREAM TAGS TEXT`, a line each.
//! Source: Kubernetes pkg/kubelet/kuberuntime/logs (and its design, kubelet-cri-logging.md).

use crate::runtime::Logs;

/// What was printed, stream by stream. A line whose tag is `P` goes on in the stream's next one.
pub(super) fn read(text: &str) -> Logs {
    let mut logs = Logs::default();
    for line in text.split_inclusive('\n') {
        // A line without an end is still being written.
        let Some(line) = line.strip_suffix('\n') else { break };
        let mut parts = line.splitn(4, ' ');
        let (time, stream, tags, content) = (parts.next(), parts.next(), parts.next(), parts.next());
        let into = match stream {
            Some("stdout") => &mut logs.stdout,
            Some("stderr") => &mut logs.stderr,
            _ => return Logs { malformed: Some(line.to_owned()), ..logs },
        };
        let tag = tags.and_then(|tags| tags.split(':').next());
        let (true, Some(partial @ ("P" | "F")), Some(content)) = (time.is_some_and(is_time), tag, content) else {
            return Logs { malformed: Some(line.to_owned()), ..logs };
        };
        into.push_str(content);
        if partial == "F" {
            into.push('\n');
        }
    }
    logs
}

/// RFC 3339 with a fraction: `2026-05-04T03:02:01.123456789Z` or with `+02:00`.
fn is_time(text: &str) -> bool {
    let shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(c, s)| if s == b'0' { c.is_ascii_digit() } else { c == s })
    };
    let Some((begin, rest)) = text.split_at_checked(19) else { return false };
    let digits = rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let zone = rest.get(1 + digits..).unwrap_or_default();
    shape(begin, "0000-00-00T00:00:00")
        && (1..=9).contains(&digits)
        && (zone == "Z" || shape(zone, "+00:00") || shape(zone, "-00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_stream_by_stream() {
        let text = "2026-05-04T03:02:01.123456789Z stdout P one \n2026-05-04T03:02:01.2+02:00 stderr F bad  thing\n\
                    2026-05-04T03:02:01.3Z stdout F two\n2026-05-04T03:02:01.3Z stdout F \n2026-05-04T03:02:01.3Z st";
        let logs = read(text);
        assert_eq!((logs.stdout.as_str(), logs.stderr.as_str()), ("one two\n\n", "bad  thing\n"));
        assert_eq!(logs.malformed, None);
    }

    #[test]
    fn what_is_not_in_the_format_is_named() {
        for line in [
            "hello",
            "2026-05-04T03:02:01.3Z stdin F x",
            "2026-05-04T03:02:01.3Z stdout X x",
            "2026-05-04T03:02:01.3Z stdout F",
            "2026-05-04 03:02:01.3Z stdout F x",
            "2026-05-04T03:02:01Z stdout F x",
            "2026-05-04T03:02:01.3 stdout F x",
        ] {
            assert_eq!(read(&format!("{line}\n")).malformed.as_deref(), Some(line));
        }
    }
}
