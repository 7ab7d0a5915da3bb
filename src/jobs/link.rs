//! One connection to the server, made when it is needed and dropped when it failed.

use std::fmt;
use std::time::Duration;

use redis::{Client, Connection, ConnectionLike as _, Pipeline, Value};

use crate::error::QueueError;

/// The one script; its steps and answers are at its places.
const SCRIPT: &str = include_str!("jobs.lua");
/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// How long it may take nothing, or say nothing.
const ANSWER: Duration = Duration::from_secs(2);

pub(crate) struct Link {
    client: Client,
    open: Option<(Connection, String)>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Link").field("open", &self.open.is_some()).finish_non_exhaustive()
    }
}

impl Link {
    pub(crate) fn new(client: Client) -> Link {
        Link { client, open: None }
    }

    /// Sends what `commands` makes of the script's hash in one piece. An error of the server fails all.
    /// The connection is dropped on failure, and the next call makes a new one.
    pub(crate) fn send(
        &mut self,
        commands: impl FnOnce(&str) -> Pipeline,
    ) -> Result<Vec<Value>, QueueError> {
        let (mut connection, script) = match self.open.take() {
            Some(open) => open,
            None => self.connect().map_err(broken)?,
        };
        let values = exchange(&mut connection, &commands(&script))?;
        self.open = Some((connection, script));
        Ok(values)
    }

    /// The same once more over a new connection, where the one there was had broken. Only for what may
    /// happen twice.
    pub(crate) fn send_again(
        &mut self,
        commands: impl Fn(&str) -> Pipeline,
    ) -> Result<Vec<Value>, QueueError> {
        let was_open = self.open.is_some();
        match self.send(&commands) {
            Err(_) if was_open => self.send(&commands),
            done => done,
        }
    }

    fn connect(&self) -> redis::RedisResult<(Connection, String)> {
        let mut connection = self.client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        let load = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query::<String>(&mut connection)?;
        Ok((connection, load))
    }
}

fn broken(error: redis::RedisError) -> QueueError {
    QueueError::Unavailable(error.to_string())
}

fn exchange(connection: &mut Connection, commands: &Pipeline) -> Result<Vec<Value>, QueueError> {
    let count = commands.len();
    if count == 0 {
        return Ok(Vec::new());
    }
    let packed = commands.get_packed_pipeline();
    let values = connection.req_packed_commands(&packed, 0, count).map_err(broken)?;
    for value in &values {
        if let Value::ServerError(error) = value {
            let details = error.details().unwrap_or_default();
            return Err(QueueError::Unavailable(format!("{} {details}", error.code())));
        }
    }
    if values.len() == count { Ok(values) } else { Err(QueueError::Unreadable) }
}
