//! Records one after the other in a stream of bytes: each its length and then itself. The first is [`Begin`], the last
//! [`End`]; whatever came from elsewhere is held against bounds before anything is allocated for it.

use std::io::{self, Read, Write};

use prost::Message as _;
use zeroize::Zeroizing;

use super::schema::{Begin, Body, End, Record, VERSION};

/// Longest record, in bytes: a room's way back holds its ratchet tree, of which relays take 8 MiB.
pub const MAX_RECORD: usize = 10 << 20;

/// Most records of one stream: with chunks of 64 KiB it is 64 TiB.
const MAX_RECORDS: u64 = 1 << 30;

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It does not begin as such a stream does.
    #[error("no portable profile")]
    Foreign,
    /// Written by a later version, which is named.
    #[error("version {0} of portable profiles")]
    TooNew(u32),
    /// It ends before its end.
    #[error("cut")]
    Cut,
    /// Something is longer, or there is more of it, than there may be.
    #[error("over a bound: {0}")]
    TooLong(&'static str),
    /// Something is not of its form.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A record that may not stand where it does.
    #[error("out of order: {0}")]
    Order(&'static str),
    /// What the records come from could not be read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Writes records.
pub struct Writer<W> {
    to: W,
    records: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a stream.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(to: W, at: u64) -> io::Result<Self> {
        let mut writer = Self { to, records: 0 };
        writer.put(&Body::Begin(Begin { version: VERSION, at }))?;
        Ok(writer)
    }

    /// Writes one record.
    ///
    /// # Errors
    /// When it cannot be written, or is longer than a record may be.
    pub fn put(&mut self, body: &Body) -> io::Result<()> {
        let bytes = encoded(body)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(&bytes)?;
        self.records = self.records.saturating_add(1);
        Ok(())
    }

    /// Ends the stream. Gives back what it was written to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(mut self) -> io::Result<W> {
        let records = self.records;
        self.put(&Body::End(End { records }))?;
        Ok(self.to)
    }
}

/// A record as bytes, which are wiped.
fn encoded(body: &Body) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(body.encoded_len()));
    body.encode(&mut *bytes);
    match bytes.len() {
        0..=MAX_RECORD => Ok(bytes),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a record is too long")),
    }
}

/// Reads records: an iterator that ends after [`End`], or with the first error.
pub struct Reader<R> {
    from: R,
    records: u64,
    is_over: bool,
}

impl<R: Read> Reader<R> {
    /// Reads from a stream.
    pub fn new(from: R) -> Self {
        Self { from, records: 0, is_over: false }
    }

    /// The next record; none after the last one. Those of later versions are passed over.
    ///
    /// # Errors
    /// [`ReadError`]; then nothing more is to be read.
    pub fn read(&mut self) -> Result<Option<Body>, ReadError> {
        loop {
            if self.is_over {
                return Ok(None);
            }
            let record = self.record();
            self.is_over = record.is_err();
            match (self.records, record?.body) {
                (0, Some(Body::Begin(begin))) if begin.version > VERSION => {
                    self.is_over = true;
                    return Err(ReadError::TooNew(begin.version));
                }
                (0, Some(body @ Body::Begin(Begin { version: 1.., .. }))) => {
                    self.records = 1;
                    return Ok(Some(body));
                }
                (0, _) => {
                    self.is_over = true;
                    return Err(ReadError::Foreign);
                }
                (_, Some(Body::Begin(_))) => {
                    self.is_over = true;
                    return Err(ReadError::Order("a second beginning"));
                }
                (_, Some(Body::End(end))) => {
                    self.is_over = true;
                    return match end.records == self.records {
                        true => Ok(Some(Body::End(end))),
                        false => Err(ReadError::Malformed("the number of records")),
                    };
                }
                (MAX_RECORDS.., _) => {
                    self.is_over = true;
                    return Err(ReadError::TooLong("records"));
                }
                (count, body) => {
                    self.records = count.saturating_add(1);
                    if body.is_some() {
                        return Ok(body);
                    }
                }
            }
        }
    }

    fn record(&mut self) -> Result<Record, ReadError> {
        let mut length = [0; 4];
        self.from.read_exact(&mut length).map_err(cut)?;
        let length = u32::from_be_bytes(length);
        if length as usize > MAX_RECORD {
            // A stream of something else says anything.
            return Err(if self.records == 0 { ReadError::Foreign } else { ReadError::TooLong("a record") });
        }
        // It grows as bytes come: a length alone allocates nothing.
        let mut bytes = Zeroizing::new(Vec::new());
        (&mut self.from).take(length.into()).read_to_end(&mut bytes)?;
        if bytes.len() < length as usize {
            return Err(ReadError::Cut);
        }
        let foreign = if self.records == 0 { ReadError::Foreign } else { ReadError::Malformed("a record") };
        Record::decode(bytes.as_slice()).map_err(|_| foreign)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Body, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn cut(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ReadError::Cut,
        _ => ReadError::Io(error),
    }
}

#[cfg(test)]
mod tests;
