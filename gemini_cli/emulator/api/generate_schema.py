"""The messages of the older API (api/README.md 11.2-11.5)."""

from .json_parser import ANY_JSON, BYTES, EnumOf, MapOf, MessageSchema

TYPE = EnumOf(
    "Type",
    {
        "TYPE_UNSPECIFIED": 0,
        "STRING": 1,
        "NUMBER": 2,
        "INTEGER": 3,
        "BOOLEAN": 4,
        "ARRAY": 5,
        "OBJECT": 6,
        "NULL": 7,
    },
)
CALLING_MODE = EnumOf(
    "FunctionCallingConfig.Mode", {"MODE_UNSPECIFIED": 0, "AUTO": 1, "ANY": 2, "NONE": 3, "VALIDATED": 4}
)
MODALITY = EnumOf(
    "GenerationConfig.Modality", {"MODALITY_UNSPECIFIED": 0, "TEXT": 1, "IMAGE": 2, "AUDIO": 3, "VIDEO": 4}
)
# The numbers of these enums are not known, so only names are accepted.
THINKING_LEVEL = EnumOf(
    "ThinkingConfig.ThinkingLevel",
    dict.fromkeys(("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"), -1),
)
# The words of OpenAPI that the API accepts. Other words of JSON Schema ($ref, additionalProperties, const, oneOf) are
# unknown names: https://github.com/langchain-ai/langchainjs/issues/7758, https://github.com/decolua/9router/issues/2309.
SCHEMA: dict[str, MessageSchema] = {
    "type": TYPE,
    "format": str,
    "title": str,
    "description": str,
    "nullable": bool,
    "default": ANY_JSON,
    "example": ANY_JSON,
    "enum": [str],
    "pattern": str,
    "minLength": int,
    "maxLength": int,
    "minimum": float,
    "maximum": float,
    "minItems": int,
    "maxItems": int,
    "minProperties": int,
    "maxProperties": int,
    "required": [str],
    "propertyOrdering": [str],
}
SCHEMA |= {"properties": MapOf(SCHEMA), "items": SCHEMA, "anyOf": [SCHEMA]}
STRUCT = MapOf(ANY_JSON)
BLOB = {"mimeType": str, "data": BYTES, "displayName": str}
FILE_DATA = {"mimeType": str, "fileUri": str, "displayName": str}
PART = {
    "text": str,
    "inlineData": BLOB,
    "fileData": FILE_DATA,
    "functionCall": {"id": str, "name": str, "args": STRUCT},
    "functionResponse": {
        "id": str,
        "name": str,
        "response": STRUCT,
        "parts": ANY_JSON,
        "willContinue": bool,
        "scheduling": str,
    },
    "executableCode": ANY_JSON,
    "codeExecutionResult": ANY_JSON,
    "thought": bool,
    "thoughtSignature": BYTES,
    "videoMetadata": ANY_JSON,
    "toolCall": ANY_JSON,
    "toolResponse": ANY_JSON,
    "partMetadata": ANY_JSON,
    "mediaResolution": ANY_JSON,
}
CONTENT = {"role": str, "parts": [PART]}
FUNCTION = {
    "name": str,
    "description": str,
    "parameters": SCHEMA,
    "parametersJsonSchema": ANY_JSON,
    "response": SCHEMA,
    "responseJsonSchema": ANY_JSON,
    "behavior": str,
}
TOOL = {
    "functionDeclarations": [FUNCTION],
    "googleSearch": ANY_JSON,
    "codeExecution": ANY_JSON,
    "urlContext": ANY_JSON,
    "fileSearch": ANY_JSON,
    "googleMaps": ANY_JSON,
    "computerUse": ANY_JSON,
    "mcpServers": ANY_JSON,
    "googleSearchRetrieval": ANY_JSON,
}
CALLING = {"mode": CALLING_MODE, "allowedFunctionNames": [str]}
TOOL_CONFIG = {
    "functionCallingConfig": CALLING,
    "retrievalConfig": ANY_JSON,
    "includeServerSideToolInvocations": bool,
}
CONFIG = {
    "temperature": float,
    "topP": float,
    "topK": float,
    "candidateCount": int,
    "maxOutputTokens": int,
    "stopSequences": [str],
    "responseLogprobs": bool,
    "logprobs": int,
    "presencePenalty": float,
    "frequencyPenalty": float,
    "seed": int,
    "responseMimeType": str,
    "responseSchema": SCHEMA,
    "responseJsonSchema": ANY_JSON,
    "responseModalities": [MODALITY],
    "mediaResolution": str,
    "speechConfig": ANY_JSON,
    "thinkingConfig": {"includeThoughts": bool, "thinkingLevel": THINKING_LEVEL, "thinkingBudget": int},
    "imageConfig": ANY_JSON,
    "enableEnhancedCivicAnswers": bool,
    "audioTranscriptionConfig": ANY_JSON,
}
REQUEST = {
    "model": str,
    "contents": [CONTENT],
    "systemInstruction": CONTENT,
    "generationConfig": CONFIG,
    "safetySettings": [{"category": str, "threshold": str, "method": str}],
    "tools": [TOOL],
    "toolConfig": TOOL_CONFIG,
    "cachedContent": str,
    "serviceTier": str,
    "labels": ANY_JSON,
    "store": bool,
    "continuationToken": str,
}
