package configs

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// decoder walks a YAML tree along the Config type. Unlike a plain decoder it
// does not stop at the first mistake, and it remembers each key's line.
type decoder struct {
	lines    map[string]int
	mistakes []*MistakeError
}

func (d *decoder) decode(cfg *Config, body ast.Node) {
	if body == nil {
		return
	}
	d.node("", body, reflect.ValueOf(cfg).Elem())
}

// line finds the line of a key, or of the nearest key above it in the tree:
// something that is missing is reported where it should be.
func (d *decoder) line(key string) int {
	for key != "" {
		if n, ok := d.lines[key]; ok {
			return n
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 1
}

func (d *decoder) mistake(key string, n ast.Node, format string, args ...any) {
	m := &MistakeError{Key: key, Text: fmt.Sprintf(format, args...)}
	if tok := n.GetToken(); tok != nil && tok.Position != nil {
		m.Line = tok.Position.Line
	}
	d.mistakes = append(d.mistakes, m)
}

var durationType = reflect.TypeFor[time.Duration]()

// node decodes n into v by v's type. An empty value leaves the default.
func (d *decoder) node(key string, n ast.Node, v reflect.Value) {
	switch n.Type() {
	case ast.NullType, ast.CommentGroupType:
		return
	case ast.AliasType, ast.AnchorType, ast.TagType:
		d.mistake(key, n, "anchors, aliases and tags are not supported")
		return
	default: // A value; v's type says which.
	}
	switch {
	case v.Kind() == reflect.Struct:
		d.mapping(key, n, v)
	case v.Kind() == reflect.Slice:
		d.sequence(key, n, v)
	case v.Type() == durationType:
		d.duration(key, n, v)
	default:
		d.scalar(key, n, v)
	}
}

func (d *decoder) mapping(key string, n ast.Node, v reflect.Value) {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.mistake(key, n, "must be a mapping of keys to values")
		return
	}
	for it := m.MapRange(); it.Next(); {
		name := it.Key().GetToken().Value
		path := strings.TrimPrefix(key+"."+name, ".")
		field, ok := fieldByTag(v, name)
		if !ok {
			d.mistake(path, it.Key(), "unknown key; known are %s", strings.Join(tags(v.Type()), ", "))
			continue
		}
		d.lines[path] = it.Key().GetToken().Position.Line
		d.node(path, it.Value(), field)
	}
}

func (d *decoder) sequence(key string, n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mistake(key, n, "must be a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, value := range seq.Values {
		path := fmt.Sprintf("%s[%d]", key, i)
		if tok := value.GetToken(); tok != nil && tok.Position != nil {
			d.lines[path] = tok.Position.Line
		}
		d.node(path, value, out.Index(i))
	}
	v.Set(out)
}

func (d *decoder) duration(key string, n ast.Node, v reflect.Value) {
	text := n.GetToken().Value
	parsed, err := time.ParseDuration(text)
	if _, ok := n.(ast.ScalarNode); !ok || err != nil {
		d.mistake(key, n, "%q is no duration with a unit, such as 500ms, 30s or 5m", text)
		return
	}
	v.SetInt(int64(parsed))
}

func (d *decoder) scalar(key string, n ast.Node, v reflect.Value) {
	if _, ok := n.(ast.ScalarNode); !ok {
		d.mistake(key, n, "must be a single value")
		return
	}
	// A string is taken as it is written: a passphrase of digits stays one.
	if v.Kind() == reflect.String {
		v.SetString(scalarText(n))
		return
	}
	if err := yaml.NodeToValue(n, v.Addr().Interface()); err != nil {
		d.mistake(key, n, "%q is no %s", n.GetToken().Value, v.Kind())
	}
}

func scalarText(n ast.Node) string {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value
	case *ast.LiteralNode:
		return s.Value.Value
	}
	return n.GetToken().Value
}

func fieldByTag(v reflect.Value, tag string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == tag {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func tags(t reflect.Type) []string {
	out := make([]string, t.NumField())
	for i := range out {
		out[i] = t.Field(i).Tag.Get("yaml")
	}
	return out
}
