// What a service on Go's net/http costs: the same answer as nginx's `return 200`.
//
//	go build -o out/bench/go_server bench/go_server.go
//	GO_PEER=out/bench/go_server make bench
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

const body = `{"id":647384502137520129,"timestamp":1795400832}`

func answer(writer http.ResponseWriter, _ *http.Request) {
	writer.Header()["Cache-Control"] = []string{"no-store"}
	writer.Header()["Content-Type"] = []string{"application/json"}
	_, _ = io.WriteString(writer, body) // fails when the client is gone: nobody to tell
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go_server PORT")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.HandlerFunc(answer)))
}
