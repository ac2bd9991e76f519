mod people;
mod values;
