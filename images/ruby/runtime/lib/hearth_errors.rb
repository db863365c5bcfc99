# What went wrong, in the shape that AWS's Ruby runtime reports: errorMessage, errorType with the
# stage in front (Function, Init, Runtime), and the function's own stack.

require 'json'

module Hearth
  class Failure
    STACK_LINES_MAX = 100
    # Others are named UserException to the platform, which may not learn a customer's class names.
    NAMED = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit
               SystemStackError].freeze

    attr_reader :body, :platform_type

    # `stage` is Function or Init.
    def initialize(error, stage)
      type = "#{stage}<#{error.class}>"
      @platform_type = NAMED.include?(error.class.to_s) ? type : 'Function<UserException>'
      @body = { errorMessage: error.message, errorType: type, stackTrace: own_frames(error) }
    end

    def to_json(*)
      JSON.generate(@body)
    rescue JSON::GeneratorError
      JSON.generate(@body.merge(errorMessage: @body[:errorMessage].scrub))
    end

    private

    # The stack down to where the runtime called the function.
    def own_frames(error)
      frames = (error.backtrace_locations || []).map(&:to_s)
      frames.take_while { |frame| !frame.start_with?('/var/runtime/') }.first(STACK_LINES_MAX)
    end
  end
end
