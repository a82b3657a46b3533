//! Values that are words in the database.

/// Lets a type be a column by a function that writes it and one that reads it.
macro_rules! text_column {
    ($type:ty, $write:expr, $read:expr) => {
        impl rusqlite::ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                let write: fn(&$type) -> String = $write;
                Ok(rusqlite::types::ToSqlOutput::from(write(self)))
            }
        }
        impl rusqlite::types::FromSql for $type {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                let read: fn(&str) -> Option<$type> = $read;
                read(value.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)
            }
        }
    };
}
