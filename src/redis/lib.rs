//! A link to a server of the Redis protocol, for whoever keeps all its steps in one script: a connection that
//! is made when it is needed and dropped when it failed, with a limit of time for each answer.

use std::fmt;
use std::time::Duration;

use redis::{Client, Cmd, Connection, ConnectionLike as _, Pipeline, Value};

/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// How long it may take nothing, or say nothing.
const ANSWER: Duration = Duration::from_secs(2);

/// Why the server did not answer; what was sent to it may have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl From<redis::RedisError> for Broken {
    fn from(error: redis::RedisError) -> Broken {
        Broken(error.to_string())
    }
}

/// A connection, and the hash that the server knows the script by.
pub struct Link {
    client: Client,
    script: &'static str,
    open: Option<(Connection, String)>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Link").field("open", &self.open.is_some()).finish_non_exhaustive()
    }
}

impl Link {
    /// To the server of `client`, which is told `script` by each new connection.
    pub const fn new(client: Client, script: &'static str) -> Link {
        Link { client, script, open: None }
    }

    /// Whether there is a connection, which may have broken since it was used.
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Sends what `commands` makes of the script's hash, in one piece, and reads the answers. An
    /// answer that is an error of the server fails them all.
    ///
    /// # Errors
    /// [`Broken`]; the connection is dropped then, and the next call makes a new one.
    pub fn send(&mut self, commands: impl FnOnce(&str) -> Pipeline) -> Result<Vec<Value>, Broken> {
        let (mut connection, hash) = match self.open.take() {
            Some(open) => open,
            None => self.connect()?,
        };
        let commands = commands(&hash);
        let values = exchange(&mut connection, &commands)?;
        self.open = Some((connection, hash));
        Ok(values)
    }

    /// The same once more over a new connection, where the one there was had broken: a server that
    /// was restarted closes those that wait. Only for what may happen twice.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn send_again(
        &mut self,
        commands: impl Fn(&str) -> Pipeline,
    ) -> Result<Vec<Value>, Broken> {
        let was_open = self.is_open();
        match self.send(&commands) {
            Err(_) if was_open => self.send(&commands),
            done => done,
        }
    }

    /// Finds out whether the connection that waited still does, and makes another where not: before what may not
    /// be sent twice, which would fail otherwise after each restart of the server.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn renew(&mut self) -> Result<(), Broken> {
        if self.is_open() { self.ask(|_| redis::cmd("PING")).map(drop) } else { Ok(()) }
    }

    /// One command, as [`Link::send_again`].
    ///
    /// # Errors
    /// [`Broken`].
    pub fn ask(&mut self, command: impl Fn(&str) -> Cmd) -> Result<Value, Broken> {
        let mut values = self.send_again(|script| {
            let mut commands = redis::pipe();
            commands.add_command(command(script));
            commands
        })?;
        values.pop().ok_or_else(|| Broken("no answer".to_owned()))
    }

    fn connect(&self) -> Result<(Connection, String), Broken> {
        let mut connection = self.client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        let hash =
            redis::cmd("SCRIPT").arg("LOAD").arg(self.script).query::<String>(&mut connection)?;
        Ok((connection, hash))
    }
}

fn exchange(connection: &mut Connection, commands: &Pipeline) -> Result<Vec<Value>, Broken> {
    let count = commands.len();
    if count == 0 {
        return Ok(Vec::new());
    }
    let values = connection.req_packed_commands(&commands.get_packed_pipeline(), 0, count)?;
    if let Some(Value::ServerError(error)) =
        values.iter().find(|value| matches!(value, Value::ServerError(_)))
    {
        return Err(Broken(format!("{} {}", error.code(), error.details().unwrap_or_default())));
    }
    if values.len() == count { Ok(values) } else { Err(Broken("answers are missing".to_owned())) }
}
