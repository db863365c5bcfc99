# The Lambda Runtime API from inside the sandbox: a lean HTTP/1.1 client on one kept-open socket.
# An answer and the request for the next invocation leave in one write, so a warm invocation costs
# one wake-up a side. It expects what Hearth's own server sends (every answer has a Content-Length)
# and nothing more general.

require 'json'
require 'socket'

module Hearth
  class RuntimeClient
    PREFIX = '/2018-06-01/runtime'
    GET_NEXT = "GET #{PREFIX}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n".b
    GET_SPECIALISATION = "GET /hearth/specialisation HTTP/1.1\r\nHost: runtime\r\n\r\n".b
    HEAD_END = "\r\n\r\n".b
    CHUNK_BYTES = 1 << 20

    # `address` is a unix socket's path, or host:port.
    def initialize(address)
      host, port = address.split(':')
      @socket = address.start_with?('/') ? UNIXSocket.new(address) : TCPSocket.new(host, port)
      @rest = String.new(encoding: Encoding::BINARY)
    end

    # Waits, as a stem, until it is told which function this is; the function's environment.
    def specialisation
      @socket.write(GET_SPECIALISATION)
      _, body = receive
      JSON.parse(body).fetch('environment')
    end

    # Waits for an invocation: headers with lower-case names, and the event's text.
    def next_invocation
      @socket.write(GET_NEXT)
      receive
    end

    def respond_and_next(request_id, body)
      post("/invocation/#{request_id}/response", body, nil, GET_NEXT)
      receive
      receive
    end

    def fail_and_next(request_id, body, error_type)
      post("/invocation/#{request_id}/error", body, error_type, GET_NEXT)
      receive
      receive
    end

    # Sends an error that ends this process; returns when the scheduler has it.
    def last_word(path, body, error_type)
      post(path, body, error_type, '')
      receive
    end

    private

    def post(path, body, error_type, following)
      kind = error_type ? "Lambda-Runtime-Function-Error-Type: #{error_type}\r\n" : ''
      bytes = body.b
      head = "POST #{PREFIX}#{path} HTTP/1.1\r\nHost: runtime\r\n" \
             "Content-Type: application/json\r\n#{kind}Content-Length: #{bytes.bytesize}\r\n\r\n"
      @socket.write(head.b << bytes << following)
    end

    def receive
      read_more until (head_bytes = @rest.index(HEAD_END))
      headers = @rest.byteslice(0, head_bytes).split("\r\n").drop(1).to_h do |line|
        name, value = line.split(':', 2)
        [name.downcase, value.strip.force_encoding(Encoding::UTF_8)]
      end
      start = head_bytes + HEAD_END.bytesize
      finish = start + headers.fetch('content-length', '0').to_i
      read_more while @rest.bytesize < finish
      body = @rest.byteslice(start, finish - start).force_encoding(Encoding::UTF_8)
      @rest = @rest.byteslice(finish, @rest.bytesize - finish)
      [headers, body]
    end

    def read_more
      @rest << @socket.readpartial(CHUNK_BYTES)
    rescue EOFError, SystemCallError
      # Without the scheduler there is nobody to run for.
      Process.exit!(1)
    end
  end
end
