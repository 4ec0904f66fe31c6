// Package configs holds the configuration of a gateway: one strict YAML file,
// and the files that people start from.
//
// A value that the file does not name has its default, given in code with its
// reason. Load finds every mistake of a file at once, each with its line.
package configs
