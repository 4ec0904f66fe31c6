// Package junit writes the checks of a run as JUnit XML, as Jenkins' junit step and
// GitLab's test reports read it: a test suite, a case for each check.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/freshet-live/freshet/bench/report"
)

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name       string      `xml:"name,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Skipped    int         `xml:"skipped,attr"`
	Time       string      `xml:"time,attr"`      // Seconds.
	Timestamp  string      `xml:"timestamp,attr"` // ISO 8601 without a zone: UTC.
	Properties *properties `xml:"properties"`
	Cases      []testCase  `xml:"testcase"`
}

type properties struct {
	Property []property `xml:"property"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testCase struct {
	Name      string   `xml:"name,attr"`
	Classname string   `xml:"classname,attr"`
	Time      string   `xml:"time,attr"`
	Failure   *problem `xml:"failure"`
	Error     *problem `xml:"error"`
	Skipped   *skipped `xml:"skipped"`
	Output    string   `xml:"system-out,omitempty"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type skipped struct {
	Message string `xml:"message,attr"`
}

// Write writes a run. One that was cut short is an error, as nobody knows what checks
// it would have failed.
func Write(w io.Writer, d *report.Document) error {
	s := suite{
		Name: d.Run.Tool, Time: seconds(d.Seconds()), Timestamp: d.Run.Start.UTC().Format("2006-01-02T15:04:05"),
		Properties: described(d.Run),
	}
	for _, c := range d.Checks {
		s.add(judged(d.Run.Tool, c))
	}
	if d.End == nil {
		s.add(testCase{
			Name: "the run ends", Classname: d.Run.Tool, Time: "0",
			Error: &problem{"the run was cut short", "end", "The report has no last line."},
		})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suites{Suites: []suite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *suite) add(c testCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func judged(tool string, c report.Check) testCase {
	out := testCase{Name: c.Name, Classname: tool, Time: "0"}
	switch {
	case c.Skipped != "":
		out.Skipped = &skipped{c.Skipped}
	case !c.Passed:
		out.Failure = &problem{c.Detail, "check", "rule: " + c.Rule + "\nseen: " + c.Detail}
	default:
		out.Output = "rule: " + c.Rule + "\nseen: " + c.Detail
	}
	return out
}

func described(run report.Run) *properties {
	out := []property{{"version", run.Version}, {"commit", run.Commit}, {"cpu", run.Machine.CPU}, {"kernel", run.Machine.Kernel}}
	if run.Seed != nil {
		out = append(out, property{"seed", fmt.Sprint(*run.Seed)})
	}
	for _, key := range run.Keys() {
		out = append(out, property{"setting." + key, run.Settings[key]})
	}
	return &properties{out}
}

func seconds(s report.Seconds) string {
	return fmt.Sprintf("%.3f", time.Duration(float64(s)*1e9).Seconds())
}
