# The function's log, as AWS's Ruby runtime writes it: a Logger on standard output carries the
# request id, and failures are a sentence and an object.

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

    # Loggers on standard output or error that name no formatter of their own get ours.
    module Formatted
      def initialize(device = nil, *rest, formatter: nil, **options)
        ours = formatter || ([$stdout, $stderr].include?(device) ? Formatter.new : nil)
        super(device, *rest, formatter: ours, **options)
      end
    end

    def self.set_up
      $stdout.sync = true
      $stderr.sync = true
      Logger.prepend(Formatted)
    end

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
