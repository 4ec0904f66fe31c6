package junit_test

import (
	"bytes"
	"encoding/xml"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/junit"
	"github.com/freshet-live/freshet/bench/report/reporttest"
)

const golden = xml.Header + `<testsuites>
  <testsuite name="bench &lt;x&gt;" tests="4" failures="1" errors="1" skipped="1" time="0.000" timestamp="2026-11-26T12:00:00">
    <properties>
      <property name="version" value=""></property>
      <property name="commit" value=""></property>
      <property name="cpu" value=""></property>
      <property name="kernel" value=""></property>
    </properties>
    <testcase name="a" classname="bench &lt;x&gt;" time="0">
      <failure message="3 &lt; 4" type="check">rule: x &gt; 4&#xA;seen: 3 &lt; 4</failure>
    </testcase>
    <testcase name="b" classname="bench &lt;x&gt;" time="0">
      <skipped message="no /proc"></skipped>
    </testcase>
    <testcase name="c" classname="bench &lt;x&gt;" time="0">
      <system-out>rule: r&#xA;seen: d</system-out>
    </testcase>
    <testcase name="the run ends" classname="bench &lt;x&gt;" time="0">
      <error message="the run was cut short" type="end">The report has no last line.</error>
    </testcase>
  </testsuite>
</testsuites>
`

// A check that failed, one not judged, one that passed, and a run cut short.
func TestWrite(t *testing.T) {
	d := &report.Document{Checks: []report.Check{
		{Name: "a", Rule: "x > 4", Detail: "3 < 4"}, {Name: "b", Skipped: "no /proc"}, {Name: "c", Rule: "r", Passed: true, Detail: "d"},
	}}
	d.Run.Tool = "bench <x>"
	if err := d.Run.Start.UnmarshalText([]byte("2026-11-26T14:00:00+02:00")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := junit.Write(&out, d); err != nil {
		t.Fatal(err)
	}
	if out.String() != golden {
		t.Error(out.String())
	}
}

// All text of a report is text in XML.
func TestWriteParses(t *testing.T) {
	d := &report.Document{}
	_ = reporttest.Run(1, 1, d) // A check of it fails.
	d.Checks[0].Detail = "\x00\x1b]]>"
	var out bytes.Buffer
	if err := junit.Write(&out, d); err != nil {
		t.Fatal(err)
	}
	var parsed struct{}
	if err := xml.Unmarshal(out.Bytes(), &parsed); err != nil {
		t.Errorf("%v: %s", err, &out)
	}
}
