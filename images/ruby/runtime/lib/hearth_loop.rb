# The life of a Ruby runtime process: as a stem it first waits to be told which function it is; then
# it loads the handler once and takes invocations one by one until the sandbox ends.

require 'json'
require_relative 'hearth_client'
require_relative 'hearth_context'
require_relative 'hearth_errors'
require_relative 'hearth_handler'
require_relative 'hearth_log'

module Hearth
  class Loop
    # AWS's own exit statuses, as a process shows them.
    INIT_FAILED = 252
    CRITICAL = 255

    def run
      Encoding.default_external = Encoding::UTF_8
      socket = ENV['HEARTH_RUNTIME_SOCKET']
      @client = RuntimeClient.new(socket || ENV.fetch('AWS_LAMBDA_RUNTIME_API'))
      Log.set_up
      become(@client.specialisation) if ENV['HEARTH_STEM'] == '1'
      handler = load_handler
      headers, event = @client.next_invocation
      loop { headers, event = serve(handler, headers, event) }
    end

    private

    # From a stem to a function: its environment, its folder, its gems.
    def become(environment)
      ENV.replace(environment)
      Dir.chdir(ENV.fetch('LAMBDA_TASK_ROOT', '/var/task'))
      Gem.clear_paths
    end

    def load_handler
      root = ENV.fetch('LAMBDA_TASK_ROOT', '/var/task')
      [root, '/opt/ruby/lib'].reverse_each { |path| $LOAD_PATH.unshift(path) }
      handler = Handler.new(ENV.fetch('_HANDLER', ''))
      handler.load
      handler
    rescue Exception => e # A script may fail by any exception, SystemExit among them.
      failure = Failure.new(e, 'Init')
      Log.failure("Init error when loading handler #{ENV['_HANDLER']}", failure)
      @client.last_word('/init/error', failure.to_json, failure.platform_type)
      Process.exit!(INIT_FAILED)
    end

    # One invocation. @return the next one.
    def serve(handler, headers, event)
      request_id = $_global_aws_request_id = headers['lambda-runtime-aws-request-id']
      ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id']
      begin
        answer = handler.call(JSON.parse(event), LambdaContext.new(headers))
      rescue NameError => e
        return die(request_id, e) # AWS holds a name that is missing to be beyond repair.
      rescue StandardError => e
        failure = Failure.new(e, 'Function')
        Log.failure('Error raised from handler method', failure)
        Log.mark_end(request_id)
        return @client.fail_and_next(request_id, failure.to_json, failure.platform_type)
      rescue Exception => e
        return die(request_id, e)
      end
      Log.mark_end(request_id)
      @client.respond_and_next(request_id, answer)
    end

    def die(request_id, error)
      failure = Failure.new(error, 'Function')
      Log.failure('Critical exception from handler', failure)
      Log.mark_end(request_id)
      @client.last_word("/invocation/#{request_id}/error", failure.to_json, failure.platform_type)
      Process.exit!(CRITICAL)
    end
  end
end
