package main

import (
	"fmt"

	"github.com/freshet-live/freshet/configs"
)

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Name every mistake in a file, with its line."`
}

type configCheckCommand struct {
	File string `arg:"" help:"The YAML file."`
}

func (c configCheckCommand) Run(con console) error {
	if _, err := configs.Load(c.File); err != nil {
		return fmt.Errorf("the configuration is not valid\n%w", err)
	}
	_, err := fmt.Fprintln(con.out, c.File+": ok")
	return err
}
