# The function's log, as AWS's Ruby runtime writes it: a Logger on standard output carries the
# request id, or writes an object a line where the function's log format is JSON, from the
# function's own level on. Failures are a sentence and an object; other output stays as it is.

require 'json'
require 'logger'

# AWS's runtime gives this name to the request; loggers of functions read it.
$_global_aws_request_id = nil

module Hearth
  module Log
    # A Logger's line with the request id in it.
    class Formatter < Logger::Formatter
      LINE = "%s, [%s #%d] %5s %s -- %s: %s\n"

      def call(severity, time, program, message)
        format(LINE, severity[0], format_datetime(time), Process.pid, severity,
               $_global_aws_request_id, program, msg2str(message))
      end
    end

    # The same as an object.
    class JsonFormatter < Logger::Formatter
      PLACE = /\A(?<file>.+):(?<line>\d+):in [`'](?<method>.+)'\z/

      def call(severity, time, program, message)
        is_error = message.is_a?(Exception)
        line = { timestamp: Log.timestamp(time), level: severity,
                 message: text(is_error ? message.message : msg2str(message)),
                 requestId: $_global_aws_request_id }
        line[:logger] = text(program) unless program.to_s.empty?
        line.merge!(failure(message)) if is_error
        "#{JSON.generate(line.compact)}\n"
      end

      private

      def failure(error)
        trace = Array(error.backtrace).map { |frame| text(frame) }
        place = PLACE.match(trace.first)
        { errorType: error.class.to_s, errorMessage: text(error.message), stackTrace: trace,
          location: place ? "#{place[:file]}:#{place[:method]}:#{place[:line]}" : trace.first }
      end

      # Bytes that are no text would make the line no JSON.
      def text(value)
        value.to_s.encode('UTF-8', invalid: :replace, undef: :replace).scrub
      end
    end

    # Loggers on standard output or error have our format and the function's level, unless they
    # name their own.
    module Formatted
      def initialize(device = nil, *rest, formatter: nil, level: nil, **options)
        is_ours = [$stdout, $stderr].include?(device)
        super(device, *rest, formatter: formatter || (is_ours ? Log.formatter : nil),
                             level: level || (is_ours ? Log.level : Logger::DEBUG), **options)
      end
    end

    LEVELS = { 'TRACE' => Logger::DEBUG, 'DEBUG' => Logger::DEBUG, 'INFO' => Logger::INFO,
               'WARN' => Logger::WARN, 'ERROR' => Logger::ERROR, 'FATAL' => Logger::FATAL }.freeze

    def self.set_up
      $stdout.sync = true
      $stderr.sync = true
      Logger.prepend(Formatted)
    end

    # Asked each time: a stem learns its function's environment late.
    def self.json? = ENV['AWS_LAMBDA_LOG_FORMAT'].to_s.casecmp?('JSON')

    def self.formatter = json? ? JsonFormatter.new : Formatter.new

    def self.level = LEVELS.fetch(ENV['AWS_LAMBDA_LOG_LEVEL'].to_s.upcase, Logger::DEBUG)

    def self.timestamp(time) = time.getutc.strftime('%Y-%m-%dT%H:%M:%S.%6NZ')

    def self.failure(sentence, failure)
      $stdout.write("#{sentence}\n#{JSON.pretty_generate(JSON.parse(failure.to_json))}\n")
    end

    # Tells the scheduler where in the stream this invocation's log ends.
    def self.mark_end(request_id)
      $stdout.flush
      $stderr.flush
      $stdout.syswrite("\0END #{request_id}\n")
    end
  end
end
