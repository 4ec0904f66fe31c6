// Package auth decides who may publish and watch what. It knows no protocol: each
// door hands it a Request with what the peer showed, and tells the peer the answer
// in its own codes.
//
// What a peer can show is a JSON Web Token (RFC 7519), signed with EdDSA, ES256 or
// RS256 by a key whose public half this package has from a file or a URL, and
// changes without a restart. Its claims are those of moq-dev's relay:
//
//	{"root": "live", "put": "cam1", "get": ["", "..."], "exp": 1790000000}
//
// root is put before each path of put (may publish) and get (may watch); a path
// grants itself and everything below it, element by element, and "" everything
// under root. A relay may show a client certificate instead.
//
// Without keys only peers on this machine are served, unless Config.Open says that
// everybody is.
package auth
