//! As much of HTTP/1.1 as the idle server and its client need. Pure.

/// A request's head may not be longer.
pub(super) const HEAD_LIMIT: usize = 8 * 1024;

/// What the bytes read so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The empty line has not come yet.
    Incomplete,
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// A request with a method that is not served.
    OtherMethod,
    /// No request.
    Malformed,
    /// Longer than [`HEAD_LIMIT`].
    TooLong,
}

/// Looks at what has come of a request.
pub(super) fn request(bytes: &[u8]) -> Request {
    let Some(end) = head_end(bytes) else {
        return if bytes.len() >= HEAD_LIMIT { Request::TooLong } else { Request::Incomplete };
    };
    if end > HEAD_LIMIT {
        return Request::TooLong;
    }
    let line = bytes[..end].split(|&b| b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.split(|&b| b == b' ');
    let (method, target, version, rest) = (words.next(), words.next(), words.next(), words.next());
    match (method, target, version, rest) {
        (Some(method), Some(target), Some(b"HTTP/1.1" | b"HTTP/1.0"), None) if !target.is_empty() => match method {
            b"GET" => Request::Get,
            b"HEAD" => Request::Head,
            _ if !method.is_empty() && method.iter().all(u8::is_ascii_uppercase) => Request::OtherMethod,
            _ => Request::Malformed,
        },
        _ => Request::Malformed,
    }
}

/// Length of a head with its empty line; lines may end in a bare newline.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let find = |mark: &[u8]| bytes.windows(mark.len()).position(|window| window == mark).map(|at| at + mark.len());
    match (find(b"\r\n\r\n"), find(b"\n\n")) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The answer to a request of that kind by the server called `name`; `None` while it is incomplete.
pub(super) fn answer(request: Request, name: &str) -> Option<Vec<u8>> {
    let (status, extra, body) = match request {
        Request::Incomplete => return None,
        Request::Get | Request::Head => ("200 OK", "", format!("{name}\n")),
        Request::OtherMethod => ("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "GET or HEAD\n".to_owned()),
        Request::Malformed => ("400 Bad Request", "", "this is no HTTP request\n".to_owned()),
        Request::TooLong => ("431 Request Header Fields Too Large", "", "the head is too long\n".to_owned()),
    };
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n{extra}Connection: close\r\n\r\n"
    )
    .into_bytes();
    if request != Request::Head {
        bytes.extend_from_slice(body.as_bytes());
    }
    Some(bytes)
}

/// Status and body of an answer; `None` if it is none.
pub(super) fn parse_answer(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let end = head_end(bytes)?;
    let line = std::str::from_utf8(bytes.split(|&b| b == b'\n').next()?).ok()?;
    let status = line.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?.parse().ok()?;
    Some((status, &bytes[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        for (text, expected) in [
            ("", Request::Incomplete),
            ("GET / HTTP/1.1\r\nHost: x\r\n", Request::Incomplete),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Request::Get),
            ("GET / HTTP/1.0\n\n", Request::Get),
            ("HEAD /status HTTP/1.1\r\n\r\n", Request::Head),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", Request::OtherMethod),
            ("get / HTTP/1.1\r\n\r\n", Request::Malformed),
            ("GET  HTTP/1.1\r\n\r\n", Request::Malformed),
            ("GET / HTTP/2\r\n\r\n", Request::Malformed),
            ("\r\n\r\n", Request::Malformed),
            ("\u{16}\u{3}\u{1}\n\n", Request::Malformed),
        ] {
            assert_eq!(request(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_head_without_end_is_too_long() {
        assert_eq!(request(&[b'a'; HEAD_LIMIT - 1]), Request::Incomplete);
        assert_eq!(request(&[b'a'; HEAD_LIMIT]), Request::TooLong);
    }

    #[test]
    fn an_answer_says_its_length_and_reads_back() {
        let bytes = answer(Request::Get, "ledger").expect("a whole request is answered");
        assert!(bytes.windows(17).any(|w| w == b"Content-Length: 7"));
        assert_eq!(parse_answer(&bytes), Some((200, &b"ledger\n"[..])));
        let bytes = answer(Request::Head, "ledger").expect("a whole request is answered");
        assert!(bytes.windows(17).any(|w| w == b"Content-Length: 7"));
        assert_eq!(parse_answer(&bytes), Some((200, &b""[..])));
        assert_eq!(answer(Request::Incomplete, "ledger"), None);
        assert_eq!(parse_answer(b"SSH-2.0-x\r\n\r\n"), None);
        assert_eq!(parse_answer(b"HTTP/1.1 200 OK\r\n"), None);
    }
}
