//! Calls to a daemon over its socket: one at a time or side by side, each with a deadline, each failure in words.
//!
//! The only place where there is anything asynchronous. Callers see blocking calls, from as many threads as they like.

use super::call_error::CallError;
use super::messages::{Call, VersionRequest, VersionResponse};
use crate::host::{Cause, poll_until, scaled};
use crate::runtime::RuntimeError;
use crate::runtime::daemon::last_lines;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// For calls that only ask.
pub(super) const QUICK: Duration = Duration::from_secs(10);
/// For calls that make or end something.
pub(super) const SLOW: Duration = Duration::from_secs(60);
/// Answers are at most two streams of 16 MiB (ExecSync) and a little.
const LARGEST_ANSWER: usize = 40 << 20;

/// A connection to a daemon that speaks CRI.
pub(super) struct Client {
    executor: tokio::runtime::Runtime,
    channel: Channel,
    /// Prefix of the services, and with it the version of the interface.
    package: &'static str,
    /// Name of the runtime in errors.
    runtime: String,
    /// The daemon's log, if it is one of ours.
    log: Option<PathBuf>,
}

/// The interface since containerd 1.6 and Kubernetes 1.23.
const V1: &str = "runtime.v1";
/// What containerd up to 1.4 (Debian 11) has instead; up to 1.7 has both. Of the same form on the wire.
const V1ALPHA2: &str = "runtime.v1alpha2";

impl Client {
    /// Connects to the daemon at `socket` and agrees with it on a version of the interface.
    ///
    /// # Errors
    /// [`RuntimeError::Unavailable`] if nobody listens there or whoever does has no CRI.
    pub fn connect(
        runtime: &str,
        socket: &Path,
        log: Option<PathBuf>,
    ) -> Result<(Client, VersionResponse), RuntimeError> {
        let mut client = Client::dial(runtime, socket, log)?;
        match client.ask_version() {
            Ok(version) => return Ok((client, version)),
            Err(status) if status.code() == Code::Unimplemented => client.package = V1ALPHA2,
            Err(status) => {
                return Err(client.failure("ask for the version".to_owned(), QUICK, status).into());
            }
        }
        match client.ask_version() {
            Ok(version) => Ok((client, version)),
            Err(status) if status.code() == Code::Unimplemented => Err(RuntimeError::Unavailable {
                runtime: runtime.to_owned(),
                reason: format!(
                    "{} answers, but neither {V1} nor {V1ALPHA2}: is `cri` among disabled_plugins of its configuration?",
                    socket.display()
                ),
            }),
            Err(status) => Err(client.failure("ask for the version".to_owned(), QUICK, status).into()),
        }
    }

    /// Connects without asking anything.
    fn dial(runtime: &str, socket: &Path, log: Option<PathBuf>) -> Result<Client, RuntimeError> {
        let unavailable = |reason: String| RuntimeError::Unavailable { runtime: runtime.to_owned(), reason };
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| unavailable(format!("no event loop for its socket: {e}")))?;
        let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display()))
            .map_err(|e| unavailable(format!("{} is no socket's path: {e}", socket.display())))?;
        let deadline = scaled(QUICK);
        let channel = executor
            .block_on(async { tokio::time::timeout(deadline, endpoint.connect()).await })
            .map_err(|_| {
                unavailable(format!("{} took no connection within {} s", socket.display(), deadline.as_secs()))
            })?
            .map_err(|e| unavailable(format!("cannot connect to {}: {}", socket.display(), innermost(&e))))?;
        Ok(Client { executor, channel, package: V1, runtime: runtime.to_owned(), log })
    }

    /// Waits until the daemon, which was restarted, answers: what was connected to the one before says so once more.
    ///
    /// # Errors
    /// It does not.
    pub fn await_answer(&self) -> Result<(), RuntimeError> {
        let answer = poll_until(Instant::now() + scaled(SLOW), || self.ask_version().ok());
        answer.map(drop).ok_or_else(|| self.overdue("answer after its restart".to_owned(), SLOW))
    }

    /// Whether the daemon has only the older version of the interface.
    pub fn is_v1alpha2(&self) -> bool {
        self.package == V1ALPHA2
    }

    /// Name of the runtime in errors.
    pub fn runtime(&self) -> &str {
        &self.runtime
    }

    /// Calls and waits. `action` is an infinitive: `start the container ledger`.
    ///
    /// # Errors
    /// The daemon refused, or did not answer in time (times PODCHECK_TIME_FACTOR).
    pub fn call<R: Call>(&self, request: R, action: &str, deadline: Duration) -> Result<R::Answer, CallError> {
        let outcome = self.executor.block_on(unary(self.channel.clone(), self.package, request, scaled(deadline)));
        outcome.map_err(|status| self.failure(action.to_owned(), deadline, status))
    }

    /// As [`Client::call`], but all at once. Outcomes are in the order of the requests.
    pub fn call_all<R: Call>(
        &self,
        requests: Vec<(R, String)>,
        deadline: Duration,
    ) -> Vec<Result<R::Answer, CallError>> {
        let (requests, actions): (Vec<R>, Vec<String>) = requests.into_iter().unzip();
        let outcomes = self.executor.block_on(async {
            let running: Vec<_> = requests
                .into_iter()
                .map(|request| tokio::spawn(unary(self.channel.clone(), self.package, request, scaled(deadline))))
                .collect();
            let mut outcomes = Vec::with_capacity(running.len());
            for task in running {
                outcomes.push(task.await.unwrap_or_else(|e| Err(Status::internal(e.to_string()))));
            }
            outcomes
        });
        let named = outcomes.into_iter().zip(actions);
        named.map(|(outcome, action)| outcome.map_err(|status| self.failure(action, deadline, status))).collect()
    }

    /// Whether the daemon still answers.
    ///
    /// # Errors
    /// It does not.
    pub fn is_there(&self) -> Result<(), RuntimeError> {
        let version = self.ask_version().map(drop);
        version.map_err(|status| self.failure("be asked again after it failed".to_owned(), QUICK, status).into())
    }

    fn ask_version(&self) -> Result<VersionResponse, Status> {
        let request = VersionRequest { version: "v1".to_owned() };
        self.executor.block_on(unary(self.channel.clone(), self.package, request, scaled(QUICK)))
    }

    fn failure(&self, action: String, deadline: Duration, status: Status) -> CallError {
        let log = match status.code() {
            Code::DeadlineExceeded => self.log.as_deref().map(last_lines).unwrap_or_default(),
            _ => String::new(),
        };
        CallError { runtime: self.runtime.clone(), action, seconds: scaled(deadline).as_secs(), log, status }
    }

    /// What a deadline of our own says, with the daemon's last lines.
    pub fn overdue(&self, action: String, deadline: Duration) -> RuntimeError {
        self.failure(action, deadline, Status::deadline_exceeded("")).into()
    }

    /// What failed without a call.
    pub fn failed(&self, action: String, cause: impl Into<Cause>) -> RuntimeError {
        RuntimeError::Failed { runtime: self.runtime.clone(), action, cause: cause.into() }
    }
}

/// One call. The daemon is told the deadline too, so that it gives up as well.
async fn unary<R: Call>(channel: Channel, package: &str, request: R, deadline: Duration) -> Result<R::Answer, Status> {
    let path = format!("/{package}.{}/{}", R::SERVICE, R::METHOD)
        .parse()
        .map_err(|e| Status::internal(format!("no path of a method: {e}")))?;
    let mut request = tonic::Request::new(request);
    request.set_timeout(deadline);
    let call = async {
        let mut grpc = tonic::client::Grpc::new(channel).max_decoding_message_size(LARGEST_ANSWER);
        grpc.ready().await.map_err(|e| Status::unavailable(innermost(&e)))?;
        grpc.unary(request, path, tonic_prost::ProstCodec::default()).await
    };
    match tokio::time::timeout(deadline, call).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("no answer")),
    }
}

/// tonic says "transport error" and keeps the reason below.
fn innermost(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => innermost(source),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_nobody_serves_is_unavailable() {
        let error = Client::connect("containerd", Path::new("/nowhere/c.sock"), None).err().map(|e| e.to_string());
        let error = error.unwrap_or_default();
        assert!(error.starts_with("containerd is not available: cannot connect to /nowhere/c.sock"), "{error}");
        assert!(error.contains("No such file"), "{error}");
    }
}
