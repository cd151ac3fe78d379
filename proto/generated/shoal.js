/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["shoal"] || ($protobuf.roots["shoal"] = {});

export const shoal = $root.shoal = (() => {

    /**
     * Namespace shoal.
     * @exports shoal
     * @namespace
     */
    const shoal = {};

    shoal.v1 = (function() {

        /**
         * Namespace v1.
         * @memberof shoal
         * @namespace
         */
        const v1 = {};

        v1.Certificate = (function() {

            /**
             * Properties of a Certificate.
             * @typedef {Object} shoal.v1.Certificate.$Properties
             * @property {Uint8Array|null} [peerId] Certificate peerId
             * @property {Uint8Array|null} [serial] Certificate serial
             * @property {number|null} [notBefore] Certificate notBefore
             * @property {number|null} [notAfter] Certificate notAfter
             * @property {Array.<shoal.v1.Role>|null} [roles] Certificate roles
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Certificate.
             * @memberof shoal.v1
             * @interface ICertificate
             * @augments shoal.v1.Certificate.$Properties
             * @deprecated Use shoal.v1.Certificate.$Properties instead.
             */

            /**
             * Shape of a Certificate.
             * @typedef {shoal.v1.Certificate.$Properties} shoal.v1.Certificate.$Shape
             */

            /**
             * Constructs a new Certificate.
             * @memberof shoal.v1
             * @classdesc Represents a Certificate.
             * @constructor
             * @param {shoal.v1.Certificate.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Certificate = function (properties) {
                this.roles = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Certificate peerId.
             * @member {Uint8Array} peerId
             * @memberof shoal.v1.Certificate
             * @instance
             */
            Certificate.prototype.peerId = $util.newBuffer([]);

            /**
             * Certificate serial.
             * @member {Uint8Array} serial
             * @memberof shoal.v1.Certificate
             * @instance
             */
            Certificate.prototype.serial = $util.newBuffer([]);

            /**
             * Certificate notBefore.
             * @member {number} notBefore
             * @memberof shoal.v1.Certificate
             * @instance
             */
            Certificate.prototype.notBefore = 0;

            /**
             * Certificate notAfter.
             * @member {number} notAfter
             * @memberof shoal.v1.Certificate
             * @instance
             */
            Certificate.prototype.notAfter = 0;

            /**
             * Certificate roles.
             * @member {Array.<shoal.v1.Role>} roles
             * @memberof shoal.v1.Certificate
             * @instance
             */
            Certificate.prototype.roles = $util.emptyArray;

            /**
             * Encodes the specified Certificate message. Does not implicitly {@link shoal.v1.Certificate.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Certificate
             * @static
             * @param {shoal.v1.Certificate.$Properties} message Certificate message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Certificate.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peerId != null && $Object.hasOwnProperty.call(message, "peerId") && message.peerId.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peerId);
                if (message.serial != null && $Object.hasOwnProperty.call(message, "serial") && message.serial.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.serial);
                if (message.notBefore != null && $Object.hasOwnProperty.call(message, "notBefore") && message.notBefore !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.notBefore);
                if (message.notAfter != null && $Object.hasOwnProperty.call(message, "notAfter") && message.notAfter !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.notAfter);
                if (message.roles != null && message.roles.length)
                    writer.uint32(/* id 5, wireType 2 =*/42).int32s(message.roles);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Certificate message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Certificate
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Certificate & shoal.v1.Certificate.$Shape} Certificate
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Certificate.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Certificate();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peerId = value;
                            else
                                delete message.peerId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.serial = value;
                            else
                                delete message.serial;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.notBefore = value;
                            else
                                delete message.notBefore;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.notAfter = value;
                            else
                                delete message.notAfter;
                            continue;
                        }
                    case 5: {
                            if (wireType === 2) {
                                if (!(message.roles && message.roles.length))
                                    message.roles = [];
                                reader.int32s(message.roles);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.roles && message.roles.length))
                                message.roles = [];
                            message.roles.push(reader.int32());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Certificate;
        })();

        /**
         * Role enum.
         * @name shoal.v1.Role
         * @enum {number}
         * @property {number} ROLE_UNKNOWN=0 ROLE_UNKNOWN value
         * @property {number} ROLE_PEER=1 ROLE_PEER value
         * @property {number} ROLE_SCHEDULER=2 ROLE_SCHEDULER value
         */
        v1.Role = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "ROLE_UNKNOWN"] = 0;
            values[valuesById[1] = "ROLE_PEER"] = 1;
            values[valuesById[2] = "ROLE_SCHEDULER"] = 2;
            return values;
        })();

        v1.SignedCertificate = (function() {

            /**
             * Properties of a SignedCertificate.
             * @typedef {Object} shoal.v1.SignedCertificate.$Properties
             * @property {Uint8Array|null} [certificate] SignedCertificate certificate
             * @property {Uint8Array|null} [signature] SignedCertificate signature
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a SignedCertificate.
             * @memberof shoal.v1
             * @interface ISignedCertificate
             * @augments shoal.v1.SignedCertificate.$Properties
             * @deprecated Use shoal.v1.SignedCertificate.$Properties instead.
             */

            /**
             * Shape of a SignedCertificate.
             * @typedef {shoal.v1.SignedCertificate.$Properties} shoal.v1.SignedCertificate.$Shape
             */

            /**
             * Constructs a new SignedCertificate.
             * @memberof shoal.v1
             * @classdesc Represents a SignedCertificate.
             * @constructor
             * @param {shoal.v1.SignedCertificate.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const SignedCertificate = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * SignedCertificate certificate.
             * @member {Uint8Array} certificate
             * @memberof shoal.v1.SignedCertificate
             * @instance
             */
            SignedCertificate.prototype.certificate = $util.newBuffer([]);

            /**
             * SignedCertificate signature.
             * @member {Uint8Array} signature
             * @memberof shoal.v1.SignedCertificate
             * @instance
             */
            SignedCertificate.prototype.signature = $util.newBuffer([]);

            /**
             * Encodes the specified SignedCertificate message. Does not implicitly {@link shoal.v1.SignedCertificate.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.SignedCertificate
             * @static
             * @param {shoal.v1.SignedCertificate.$Properties} message SignedCertificate message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            SignedCertificate.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.certificate != null && $Object.hasOwnProperty.call(message, "certificate") && message.certificate.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.certificate);
                if (message.signature != null && $Object.hasOwnProperty.call(message, "signature") && message.signature.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.signature);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a SignedCertificate message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.SignedCertificate
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.SignedCertificate & shoal.v1.SignedCertificate.$Shape} SignedCertificate
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            SignedCertificate.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.SignedCertificate();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.certificate = value;
                            else
                                delete message.certificate;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.signature = value;
                            else
                                delete message.signature;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return SignedCertificate;
        })();

        v1.Revocations = (function() {

            /**
             * Properties of a Revocations.
             * @typedef {Object} shoal.v1.Revocations.$Properties
             * @property {number|null} [version] Revocations version
             * @property {Array.<Uint8Array>|null} [peerIds] Revocations peerIds
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Revocations.
             * @memberof shoal.v1
             * @interface IRevocations
             * @augments shoal.v1.Revocations.$Properties
             * @deprecated Use shoal.v1.Revocations.$Properties instead.
             */

            /**
             * Shape of a Revocations.
             * @typedef {shoal.v1.Revocations.$Properties} shoal.v1.Revocations.$Shape
             */

            /**
             * Constructs a new Revocations.
             * @memberof shoal.v1
             * @classdesc Represents a Revocations.
             * @constructor
             * @param {shoal.v1.Revocations.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Revocations = function (properties) {
                this.peerIds = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Revocations version.
             * @member {number} version
             * @memberof shoal.v1.Revocations
             * @instance
             */
            Revocations.prototype.version = 0;

            /**
             * Revocations peerIds.
             * @member {Array.<Uint8Array>} peerIds
             * @memberof shoal.v1.Revocations
             * @instance
             */
            Revocations.prototype.peerIds = $util.emptyArray;

            /**
             * Encodes the specified Revocations message. Does not implicitly {@link shoal.v1.Revocations.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Revocations
             * @static
             * @param {shoal.v1.Revocations.$Properties} message Revocations message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Revocations.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.version);
                if (message.peerIds != null && message.peerIds.length)
                    for (let i = 0; i < message.peerIds.length; ++i)
                        writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.peerIds[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Revocations message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Revocations
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Revocations & shoal.v1.Revocations.$Shape} Revocations
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Revocations.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Revocations();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.version = value;
                            else
                                delete message.version;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.peerIds && message.peerIds.length))
                                message.peerIds = [];
                            message.peerIds.push(reader.bytes());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Revocations;
        })();

        v1.SignedRevocations = (function() {

            /**
             * Properties of a SignedRevocations.
             * @typedef {Object} shoal.v1.SignedRevocations.$Properties
             * @property {Uint8Array|null} [revocations] SignedRevocations revocations
             * @property {Uint8Array|null} [signature] SignedRevocations signature
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a SignedRevocations.
             * @memberof shoal.v1
             * @interface ISignedRevocations
             * @augments shoal.v1.SignedRevocations.$Properties
             * @deprecated Use shoal.v1.SignedRevocations.$Properties instead.
             */

            /**
             * Shape of a SignedRevocations.
             * @typedef {shoal.v1.SignedRevocations.$Properties} shoal.v1.SignedRevocations.$Shape
             */

            /**
             * Constructs a new SignedRevocations.
             * @memberof shoal.v1
             * @classdesc Represents a SignedRevocations.
             * @constructor
             * @param {shoal.v1.SignedRevocations.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const SignedRevocations = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * SignedRevocations revocations.
             * @member {Uint8Array} revocations
             * @memberof shoal.v1.SignedRevocations
             * @instance
             */
            SignedRevocations.prototype.revocations = $util.newBuffer([]);

            /**
             * SignedRevocations signature.
             * @member {Uint8Array} signature
             * @memberof shoal.v1.SignedRevocations
             * @instance
             */
            SignedRevocations.prototype.signature = $util.newBuffer([]);

            /**
             * Encodes the specified SignedRevocations message. Does not implicitly {@link shoal.v1.SignedRevocations.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.SignedRevocations
             * @static
             * @param {shoal.v1.SignedRevocations.$Properties} message SignedRevocations message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            SignedRevocations.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.revocations != null && $Object.hasOwnProperty.call(message, "revocations") && message.revocations.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.revocations);
                if (message.signature != null && $Object.hasOwnProperty.call(message, "signature") && message.signature.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.signature);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a SignedRevocations message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.SignedRevocations
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.SignedRevocations & shoal.v1.SignedRevocations.$Shape} SignedRevocations
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            SignedRevocations.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.SignedRevocations();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.revocations = value;
                            else
                                delete message.revocations;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.signature = value;
                            else
                                delete message.signature;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return SignedRevocations;
        })();

        v1.Introduction = (function() {

            /**
             * Properties of an Introduction.
             * @typedef {Object} shoal.v1.Introduction.$Properties
             * @property {shoal.v1.SignedCertificate.$Properties|null} [certificate] Introduction certificate
             * @property {shoal.v1.SignedRevocations.$Properties|null} [revocations] Introduction revocations
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an Introduction.
             * @memberof shoal.v1
             * @interface IIntroduction
             * @augments shoal.v1.Introduction.$Properties
             * @deprecated Use shoal.v1.Introduction.$Properties instead.
             */

            /**
             * Shape of an Introduction.
             * @typedef {shoal.v1.Introduction.$Properties} shoal.v1.Introduction.$Shape
             */

            /**
             * Constructs a new Introduction.
             * @memberof shoal.v1
             * @classdesc Represents an Introduction.
             * @constructor
             * @param {shoal.v1.Introduction.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Introduction = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Introduction certificate.
             * @member {shoal.v1.SignedCertificate.$Properties|null|undefined} certificate
             * @memberof shoal.v1.Introduction
             * @instance
             */
            Introduction.prototype.certificate = null;

            /**
             * Introduction revocations.
             * @member {shoal.v1.SignedRevocations.$Properties|null|undefined} revocations
             * @memberof shoal.v1.Introduction
             * @instance
             */
            Introduction.prototype.revocations = null;

            /**
             * Encodes the specified Introduction message. Does not implicitly {@link shoal.v1.Introduction.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Introduction
             * @static
             * @param {shoal.v1.Introduction.$Properties} message Introduction message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Introduction.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.certificate != null && $Object.hasOwnProperty.call(message, "certificate"))
                    $root.shoal.v1.SignedCertificate.encode(message.certificate, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.revocations != null && $Object.hasOwnProperty.call(message, "revocations"))
                    $root.shoal.v1.SignedRevocations.encode(message.revocations, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an Introduction message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Introduction
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Introduction & shoal.v1.Introduction.$Shape} Introduction
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Introduction.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Introduction();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            message.certificate = $root.shoal.v1.SignedCertificate.decode(reader, reader.size(), $undefined, _depth + 1, message.certificate);
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.revocations = $root.shoal.v1.SignedRevocations.decode(reader, reader.size(), $undefined, _depth + 1, message.revocations);
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Introduction;
        })();

        v1.Verdict = (function() {

            /**
             * Properties of a Verdict.
             * @typedef {Object} shoal.v1.Verdict.$Properties
             * @property {string|null} [reason] Verdict reason
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Verdict.
             * @memberof shoal.v1
             * @interface IVerdict
             * @augments shoal.v1.Verdict.$Properties
             * @deprecated Use shoal.v1.Verdict.$Properties instead.
             */

            /**
             * Shape of a Verdict.
             * @typedef {shoal.v1.Verdict.$Properties} shoal.v1.Verdict.$Shape
             */

            /**
             * Constructs a new Verdict.
             * @memberof shoal.v1
             * @classdesc Represents a Verdict.
             * @constructor
             * @param {shoal.v1.Verdict.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Verdict = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Verdict reason.
             * @member {string} reason
             * @memberof shoal.v1.Verdict
             * @instance
             */
            Verdict.prototype.reason = "";

            /**
             * Encodes the specified Verdict message. Does not implicitly {@link shoal.v1.Verdict.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Verdict
             * @static
             * @param {shoal.v1.Verdict.$Properties} message Verdict message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Verdict.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.reason);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Verdict message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Verdict
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Verdict & shoal.v1.Verdict.$Shape} Verdict
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Verdict.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Verdict();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Verdict;
        })();

        /**
         * Lane enum.
         * @name shoal.v1.Lane
         * @enum {number}
         * @property {number} LANE_UNKNOWN=0 LANE_UNKNOWN value
         * @property {number} LANE_DEMAND=1 LANE_DEMAND value
         * @property {number} LANE_TRACE=2 LANE_TRACE value
         * @property {number} LANE_BACKGROUND=3 LANE_BACKGROUND value
         */
        v1.Lane = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "LANE_UNKNOWN"] = 0;
            values[valuesById[1] = "LANE_DEMAND"] = 1;
            values[valuesById[2] = "LANE_TRACE"] = 2;
            values[valuesById[3] = "LANE_BACKGROUND"] = 3;
            return values;
        })();

        v1.ChildMessage = (function() {

            /**
             * Properties of a ChildMessage.
             * @typedef {Object} shoal.v1.ChildMessage.$Properties
             * @property {shoal.v1.OpenTask.$Properties|null} [open] ChildMessage open
             * @property {shoal.v1.CloseTask.$Properties|null} [close] ChildMessage close
             * @property {shoal.v1.RequestPieces.$Properties|null} [request] ChildMessage request
             * @property {shoal.v1.CancelPieces.$Properties|null} [cancel] ChildMessage cancel
             * @property {shoal.v1.RequestChunk.$Properties|null} [chunk] ChildMessage chunk
             * @property {shoal.v1.CancelChunk.$Properties|null} [cancelChunk] ChildMessage cancelChunk
             * @property {"open"|"close"|"request"|"cancel"|"chunk"|"cancelChunk"} [kind] ChildMessage kind
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChildMessage.
             * @memberof shoal.v1
             * @interface IChildMessage
             * @augments shoal.v1.ChildMessage.$Properties
             * @deprecated Use shoal.v1.ChildMessage.$Properties instead.
             */

            /**
             * Narrowed shape of a ChildMessage.
             * @typedef {{
             *   open?: shoal.v1.OpenTask.$Shape|null;
             *   close?: shoal.v1.CloseTask.$Shape|null;
             *   request?: shoal.v1.RequestPieces.$Shape|null;
             *   cancel?: shoal.v1.CancelPieces.$Shape|null;
             *   chunk?: shoal.v1.RequestChunk.$Shape|null;
             *   cancelChunk?: shoal.v1.CancelChunk.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ kind?: undefined; open?: null; close?: null; request?: null; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "open"; open: shoal.v1.OpenTask.$Shape; close?: null; request?: null; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "close"; open?: null; close: shoal.v1.CloseTask.$Shape; request?: null; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "request"; open?: null; close?: null; request: shoal.v1.RequestPieces.$Shape; cancel?: null; chunk?: null; cancelChunk?: null }|{ kind?: "cancel"; open?: null; close?: null; request?: null; cancel: shoal.v1.CancelPieces.$Shape; chunk?: null; cancelChunk?: null }|{ kind?: "chunk"; open?: null; close?: null; request?: null; cancel?: null; chunk: shoal.v1.RequestChunk.$Shape; cancelChunk?: null }|{ kind?: "cancelChunk"; open?: null; close?: null; request?: null; cancel?: null; chunk?: null; cancelChunk: shoal.v1.CancelChunk.$Shape })
             * )} shoal.v1.ChildMessage.$Shape
             */

            /**
             * Constructs a new ChildMessage.
             * @memberof shoal.v1
             * @classdesc Represents a ChildMessage.
             * @constructor
             * @param {shoal.v1.ChildMessage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChildMessage = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChildMessage open.
             * @member {shoal.v1.OpenTask.$Properties|null|undefined} open
             * @memberof shoal.v1.ChildMessage
             * @instance
             */
            ChildMessage.prototype.open = null;

            /**
             * ChildMessage close.
             * @member {shoal.v1.CloseTask.$Properties|null|undefined} close
             * @memberof shoal.v1.ChildMessage
             * @instance
             */
            ChildMessage.prototype.close = null;

            /**
             * ChildMessage request.
             * @member {shoal.v1.RequestPieces.$Properties|null|undefined} request
             * @memberof shoal.v1.ChildMessage
             * @instance
             */
            ChildMessage.prototype.request = null;

            /**
             * ChildMessage cancel.
             * @member {shoal.v1.CancelPieces.$Properties|null|undefined} cancel
             * @memberof shoal.v1.ChildMessage
             * @instance
             */
            ChildMessage.prototype.cancel = null;

            /**
             * ChildMessage chunk.
             * @member {shoal.v1.RequestChunk.$Properties|null|undefined} chunk
             * @memberof shoal.v1.ChildMessage
             * @instance
             */
            ChildMessage.prototype.chunk = null;

            /**
             * ChildMessage cancelChunk.
             * @member {shoal.v1.CancelChunk.$Properties|null|undefined} cancelChunk
             * @memberof shoal.v1.ChildMessage
             * @instance
             */
            ChildMessage.prototype.cancelChunk = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * ChildMessage kind.
             * @member {"open"|"close"|"request"|"cancel"|"chunk"|"cancelChunk"|undefined} kind
             * @memberof shoal.v1.ChildMessage
             * @instance
             */
            $Object.defineProperty(ChildMessage.prototype, "kind", {
                get: $util.oneOfGetter($oneOfFields = ["open", "close", "request", "cancel", "chunk", "cancelChunk"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Encodes the specified ChildMessage message. Does not implicitly {@link shoal.v1.ChildMessage.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.ChildMessage
             * @static
             * @param {shoal.v1.ChildMessage.$Properties} message ChildMessage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChildMessage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.open != null && $Object.hasOwnProperty.call(message, "open"))
                    $root.shoal.v1.OpenTask.encode(message.open, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.close != null && $Object.hasOwnProperty.call(message, "close"))
                    $root.shoal.v1.CloseTask.encode(message.close, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.request != null && $Object.hasOwnProperty.call(message, "request"))
                    $root.shoal.v1.RequestPieces.encode(message.request, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.cancel != null && $Object.hasOwnProperty.call(message, "cancel"))
                    $root.shoal.v1.CancelPieces.encode(message.cancel, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.chunk != null && $Object.hasOwnProperty.call(message, "chunk"))
                    $root.shoal.v1.RequestChunk.encode(message.chunk, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                if (message.cancelChunk != null && $Object.hasOwnProperty.call(message, "cancelChunk"))
                    $root.shoal.v1.CancelChunk.encode(message.cancelChunk, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChildMessage message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.ChildMessage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.ChildMessage & shoal.v1.ChildMessage.$Shape} ChildMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChildMessage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.ChildMessage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            message.open = $root.shoal.v1.OpenTask.decode(reader, reader.size(), $undefined, _depth + 1, message.open);
                            message.kind = "open";
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.close = $root.shoal.v1.CloseTask.decode(reader, reader.size(), $undefined, _depth + 1, message.close);
                            message.kind = "close";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.request = $root.shoal.v1.RequestPieces.decode(reader, reader.size(), $undefined, _depth + 1, message.request);
                            message.kind = "request";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.cancel = $root.shoal.v1.CancelPieces.decode(reader, reader.size(), $undefined, _depth + 1, message.cancel);
                            message.kind = "cancel";
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            message.chunk = $root.shoal.v1.RequestChunk.decode(reader, reader.size(), $undefined, _depth + 1, message.chunk);
                            message.kind = "chunk";
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            message.cancelChunk = $root.shoal.v1.CancelChunk.decode(reader, reader.size(), $undefined, _depth + 1, message.cancelChunk);
                            message.kind = "cancelChunk";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return ChildMessage;
        })();

        v1.OpenTask = (function() {

            /**
             * Properties of an OpenTask.
             * @typedef {Object} shoal.v1.OpenTask.$Properties
             * @property {number|null} [handle] OpenTask handle
             * @property {Uint8Array|null} [taskId] OpenTask taskId
             * @property {Uint8Array|null} [proof] OpenTask proof
             * @property {number|null} [pieceCount] OpenTask pieceCount
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an OpenTask.
             * @memberof shoal.v1
             * @interface IOpenTask
             * @augments shoal.v1.OpenTask.$Properties
             * @deprecated Use shoal.v1.OpenTask.$Properties instead.
             */

            /**
             * Shape of an OpenTask.
             * @typedef {shoal.v1.OpenTask.$Properties} shoal.v1.OpenTask.$Shape
             */

            /**
             * Constructs a new OpenTask.
             * @memberof shoal.v1
             * @classdesc Represents an OpenTask.
             * @constructor
             * @param {shoal.v1.OpenTask.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const OpenTask = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * OpenTask handle.
             * @member {number} handle
             * @memberof shoal.v1.OpenTask
             * @instance
             */
            OpenTask.prototype.handle = 0;

            /**
             * OpenTask taskId.
             * @member {Uint8Array} taskId
             * @memberof shoal.v1.OpenTask
             * @instance
             */
            OpenTask.prototype.taskId = $util.newBuffer([]);

            /**
             * OpenTask proof.
             * @member {Uint8Array} proof
             * @memberof shoal.v1.OpenTask
             * @instance
             */
            OpenTask.prototype.proof = $util.newBuffer([]);

            /**
             * OpenTask pieceCount.
             * @member {number} pieceCount
             * @memberof shoal.v1.OpenTask
             * @instance
             */
            OpenTask.prototype.pieceCount = 0;

            /**
             * Encodes the specified OpenTask message. Does not implicitly {@link shoal.v1.OpenTask.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.OpenTask
             * @static
             * @param {shoal.v1.OpenTask.$Properties} message OpenTask message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            OpenTask.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.taskId != null && $Object.hasOwnProperty.call(message, "taskId") && message.taskId.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.taskId);
                if (message.proof != null && $Object.hasOwnProperty.call(message, "proof") && message.proof.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.proof);
                if (message.pieceCount != null && $Object.hasOwnProperty.call(message, "pieceCount") && message.pieceCount !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.pieceCount);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an OpenTask message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.OpenTask
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.OpenTask & shoal.v1.OpenTask.$Shape} OpenTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            OpenTask.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.OpenTask();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.taskId = value;
                            else
                                delete message.taskId;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.proof = value;
                            else
                                delete message.proof;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.pieceCount = value;
                            else
                                delete message.pieceCount;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return OpenTask;
        })();

        v1.CloseTask = (function() {

            /**
             * Properties of a CloseTask.
             * @typedef {Object} shoal.v1.CloseTask.$Properties
             * @property {number|null} [handle] CloseTask handle
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a CloseTask.
             * @memberof shoal.v1
             * @interface ICloseTask
             * @augments shoal.v1.CloseTask.$Properties
             * @deprecated Use shoal.v1.CloseTask.$Properties instead.
             */

            /**
             * Shape of a CloseTask.
             * @typedef {shoal.v1.CloseTask.$Properties} shoal.v1.CloseTask.$Shape
             */

            /**
             * Constructs a new CloseTask.
             * @memberof shoal.v1
             * @classdesc Represents a CloseTask.
             * @constructor
             * @param {shoal.v1.CloseTask.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const CloseTask = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * CloseTask handle.
             * @member {number} handle
             * @memberof shoal.v1.CloseTask
             * @instance
             */
            CloseTask.prototype.handle = 0;

            /**
             * Encodes the specified CloseTask message. Does not implicitly {@link shoal.v1.CloseTask.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.CloseTask
             * @static
             * @param {shoal.v1.CloseTask.$Properties} message CloseTask message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            CloseTask.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a CloseTask message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.CloseTask
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.CloseTask & shoal.v1.CloseTask.$Shape} CloseTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            CloseTask.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.CloseTask();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return CloseTask;
        })();

        v1.RequestPieces = (function() {

            /**
             * Properties of a RequestPieces.
             * @typedef {Object} shoal.v1.RequestPieces.$Properties
             * @property {number|null} [handle] RequestPieces handle
             * @property {shoal.v1.Lane|null} [lane] RequestPieces lane
             * @property {Array.<number>|null} [pieces] RequestPieces pieces
             * @property {boolean|null} [mayFetch] RequestPieces mayFetch
             * @property {boolean|null} [hurry] RequestPieces hurry
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a RequestPieces.
             * @memberof shoal.v1
             * @interface IRequestPieces
             * @augments shoal.v1.RequestPieces.$Properties
             * @deprecated Use shoal.v1.RequestPieces.$Properties instead.
             */

            /**
             * Shape of a RequestPieces.
             * @typedef {shoal.v1.RequestPieces.$Properties} shoal.v1.RequestPieces.$Shape
             */

            /**
             * Constructs a new RequestPieces.
             * @memberof shoal.v1
             * @classdesc Represents a RequestPieces.
             * @constructor
             * @param {shoal.v1.RequestPieces.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const RequestPieces = function (properties) {
                this.pieces = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * RequestPieces handle.
             * @member {number} handle
             * @memberof shoal.v1.RequestPieces
             * @instance
             */
            RequestPieces.prototype.handle = 0;

            /**
             * RequestPieces lane.
             * @member {shoal.v1.Lane} lane
             * @memberof shoal.v1.RequestPieces
             * @instance
             */
            RequestPieces.prototype.lane = 0;

            /**
             * RequestPieces pieces.
             * @member {Array.<number>} pieces
             * @memberof shoal.v1.RequestPieces
             * @instance
             */
            RequestPieces.prototype.pieces = $util.emptyArray;

            /**
             * RequestPieces mayFetch.
             * @member {boolean} mayFetch
             * @memberof shoal.v1.RequestPieces
             * @instance
             */
            RequestPieces.prototype.mayFetch = false;

            /**
             * RequestPieces hurry.
             * @member {boolean} hurry
             * @memberof shoal.v1.RequestPieces
             * @instance
             */
            RequestPieces.prototype.hurry = false;

            /**
             * Encodes the specified RequestPieces message. Does not implicitly {@link shoal.v1.RequestPieces.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.RequestPieces
             * @static
             * @param {shoal.v1.RequestPieces.$Properties} message RequestPieces message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            RequestPieces.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.lane != null && $Object.hasOwnProperty.call(message, "lane") && message.lane !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).int32(message.lane);
                if (message.pieces != null && message.pieces.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.pieces);
                if (message.mayFetch != null && $Object.hasOwnProperty.call(message, "mayFetch") && message.mayFetch !== false)
                    writer.uint32(/* id 4, wireType 0 =*/32).bool(message.mayFetch);
                if (message.hurry != null && $Object.hasOwnProperty.call(message, "hurry") && message.hurry !== false)
                    writer.uint32(/* id 5, wireType 0 =*/40).bool(message.hurry);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a RequestPieces message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.RequestPieces
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.RequestPieces & shoal.v1.RequestPieces.$Shape} RequestPieces
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            RequestPieces.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.RequestPieces();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.lane = value;
                            else
                                delete message.lane;
                            continue;
                        }
                    case 3: {
                            if (wireType === 2) {
                                if (!(message.pieces && message.pieces.length))
                                    message.pieces = [];
                                reader.uint32s(message.pieces);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.pieces && message.pieces.length))
                                message.pieces = [];
                            message.pieces.push(reader.uint32());
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.mayFetch = value;
                            else
                                delete message.mayFetch;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.hurry = value;
                            else
                                delete message.hurry;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return RequestPieces;
        })();

        v1.CancelPieces = (function() {

            /**
             * Properties of a CancelPieces.
             * @typedef {Object} shoal.v1.CancelPieces.$Properties
             * @property {number|null} [handle] CancelPieces handle
             * @property {Array.<number>|null} [pieces] CancelPieces pieces
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a CancelPieces.
             * @memberof shoal.v1
             * @interface ICancelPieces
             * @augments shoal.v1.CancelPieces.$Properties
             * @deprecated Use shoal.v1.CancelPieces.$Properties instead.
             */

            /**
             * Shape of a CancelPieces.
             * @typedef {shoal.v1.CancelPieces.$Properties} shoal.v1.CancelPieces.$Shape
             */

            /**
             * Constructs a new CancelPieces.
             * @memberof shoal.v1
             * @classdesc Represents a CancelPieces.
             * @constructor
             * @param {shoal.v1.CancelPieces.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const CancelPieces = function (properties) {
                this.pieces = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * CancelPieces handle.
             * @member {number} handle
             * @memberof shoal.v1.CancelPieces
             * @instance
             */
            CancelPieces.prototype.handle = 0;

            /**
             * CancelPieces pieces.
             * @member {Array.<number>} pieces
             * @memberof shoal.v1.CancelPieces
             * @instance
             */
            CancelPieces.prototype.pieces = $util.emptyArray;

            /**
             * Encodes the specified CancelPieces message. Does not implicitly {@link shoal.v1.CancelPieces.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.CancelPieces
             * @static
             * @param {shoal.v1.CancelPieces.$Properties} message CancelPieces message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            CancelPieces.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.pieces != null && message.pieces.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.pieces);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a CancelPieces message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.CancelPieces
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.CancelPieces & shoal.v1.CancelPieces.$Shape} CancelPieces
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            CancelPieces.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.CancelPieces();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.pieces && message.pieces.length))
                                    message.pieces = [];
                                reader.uint32s(message.pieces);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.pieces && message.pieces.length))
                                message.pieces = [];
                            message.pieces.push(reader.uint32());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return CancelPieces;
        })();

        v1.ChunkPlace = (function() {

            /**
             * Properties of a ChunkPlace.
             * @typedef {Object} shoal.v1.ChunkPlace.$Properties
             * @property {number|null} [piece] ChunkPlace piece
             * @property {number|null} [within] ChunkPlace within
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChunkPlace.
             * @memberof shoal.v1
             * @interface IChunkPlace
             * @augments shoal.v1.ChunkPlace.$Properties
             * @deprecated Use shoal.v1.ChunkPlace.$Properties instead.
             */

            /**
             * Shape of a ChunkPlace.
             * @typedef {shoal.v1.ChunkPlace.$Properties} shoal.v1.ChunkPlace.$Shape
             */

            /**
             * Constructs a new ChunkPlace.
             * @memberof shoal.v1
             * @classdesc Represents a ChunkPlace.
             * @constructor
             * @param {shoal.v1.ChunkPlace.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChunkPlace = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChunkPlace piece.
             * @member {number} piece
             * @memberof shoal.v1.ChunkPlace
             * @instance
             */
            ChunkPlace.prototype.piece = 0;

            /**
             * ChunkPlace within.
             * @member {number} within
             * @memberof shoal.v1.ChunkPlace
             * @instance
             */
            ChunkPlace.prototype.within = 0;

            /**
             * Encodes the specified ChunkPlace message. Does not implicitly {@link shoal.v1.ChunkPlace.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.ChunkPlace
             * @static
             * @param {shoal.v1.ChunkPlace.$Properties} message ChunkPlace message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChunkPlace.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.piece != null && $Object.hasOwnProperty.call(message, "piece") && message.piece !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.piece);
                if (message.within != null && $Object.hasOwnProperty.call(message, "within") && message.within !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.within);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChunkPlace message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.ChunkPlace
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.ChunkPlace & shoal.v1.ChunkPlace.$Shape} ChunkPlace
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChunkPlace.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.ChunkPlace();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.piece = value;
                            else
                                delete message.piece;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.within = value;
                            else
                                delete message.within;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return ChunkPlace;
        })();

        v1.RequestChunk = (function() {

            /**
             * Properties of a RequestChunk.
             * @typedef {Object} shoal.v1.RequestChunk.$Properties
             * @property {number|null} [handle] RequestChunk handle
             * @property {shoal.v1.Lane|null} [lane] RequestChunk lane
             * @property {shoal.v1.ChunkPlace.$Properties|null} [place] RequestChunk place
             * @property {number|null} [compressedSize] RequestChunk compressedSize
             * @property {number|null} [uncompressedSize] RequestChunk uncompressedSize
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a RequestChunk.
             * @memberof shoal.v1
             * @interface IRequestChunk
             * @augments shoal.v1.RequestChunk.$Properties
             * @deprecated Use shoal.v1.RequestChunk.$Properties instead.
             */

            /**
             * Shape of a RequestChunk.
             * @typedef {shoal.v1.RequestChunk.$Properties} shoal.v1.RequestChunk.$Shape
             */

            /**
             * Constructs a new RequestChunk.
             * @memberof shoal.v1
             * @classdesc Represents a RequestChunk.
             * @constructor
             * @param {shoal.v1.RequestChunk.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const RequestChunk = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * RequestChunk handle.
             * @member {number} handle
             * @memberof shoal.v1.RequestChunk
             * @instance
             */
            RequestChunk.prototype.handle = 0;

            /**
             * RequestChunk lane.
             * @member {shoal.v1.Lane} lane
             * @memberof shoal.v1.RequestChunk
             * @instance
             */
            RequestChunk.prototype.lane = 0;

            /**
             * RequestChunk place.
             * @member {shoal.v1.ChunkPlace.$Properties|null|undefined} place
             * @memberof shoal.v1.RequestChunk
             * @instance
             */
            RequestChunk.prototype.place = null;

            /**
             * RequestChunk compressedSize.
             * @member {number} compressedSize
             * @memberof shoal.v1.RequestChunk
             * @instance
             */
            RequestChunk.prototype.compressedSize = 0;

            /**
             * RequestChunk uncompressedSize.
             * @member {number} uncompressedSize
             * @memberof shoal.v1.RequestChunk
             * @instance
             */
            RequestChunk.prototype.uncompressedSize = 0;

            /**
             * Encodes the specified RequestChunk message. Does not implicitly {@link shoal.v1.RequestChunk.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.RequestChunk
             * @static
             * @param {shoal.v1.RequestChunk.$Properties} message RequestChunk message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            RequestChunk.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.lane != null && $Object.hasOwnProperty.call(message, "lane") && message.lane !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).int32(message.lane);
                if (message.place != null && $Object.hasOwnProperty.call(message, "place"))
                    $root.shoal.v1.ChunkPlace.encode(message.place, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.compressedSize != null && $Object.hasOwnProperty.call(message, "compressedSize") && message.compressedSize !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.compressedSize);
                if (message.uncompressedSize != null && $Object.hasOwnProperty.call(message, "uncompressedSize") && message.uncompressedSize !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.uncompressedSize);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a RequestChunk message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.RequestChunk
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.RequestChunk & shoal.v1.RequestChunk.$Shape} RequestChunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            RequestChunk.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.RequestChunk();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.lane = value;
                            else
                                delete message.lane;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.place = $root.shoal.v1.ChunkPlace.decode(reader, reader.size(), $undefined, _depth + 1, message.place);
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.compressedSize = value;
                            else
                                delete message.compressedSize;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.uncompressedSize = value;
                            else
                                delete message.uncompressedSize;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return RequestChunk;
        })();

        v1.CancelChunk = (function() {

            /**
             * Properties of a CancelChunk.
             * @typedef {Object} shoal.v1.CancelChunk.$Properties
             * @property {number|null} [handle] CancelChunk handle
             * @property {shoal.v1.ChunkPlace.$Properties|null} [place] CancelChunk place
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a CancelChunk.
             * @memberof shoal.v1
             * @interface ICancelChunk
             * @augments shoal.v1.CancelChunk.$Properties
             * @deprecated Use shoal.v1.CancelChunk.$Properties instead.
             */

            /**
             * Shape of a CancelChunk.
             * @typedef {shoal.v1.CancelChunk.$Properties} shoal.v1.CancelChunk.$Shape
             */

            /**
             * Constructs a new CancelChunk.
             * @memberof shoal.v1
             * @classdesc Represents a CancelChunk.
             * @constructor
             * @param {shoal.v1.CancelChunk.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const CancelChunk = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * CancelChunk handle.
             * @member {number} handle
             * @memberof shoal.v1.CancelChunk
             * @instance
             */
            CancelChunk.prototype.handle = 0;

            /**
             * CancelChunk place.
             * @member {shoal.v1.ChunkPlace.$Properties|null|undefined} place
             * @memberof shoal.v1.CancelChunk
             * @instance
             */
            CancelChunk.prototype.place = null;

            /**
             * Encodes the specified CancelChunk message. Does not implicitly {@link shoal.v1.CancelChunk.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.CancelChunk
             * @static
             * @param {shoal.v1.CancelChunk.$Properties} message CancelChunk message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            CancelChunk.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.place != null && $Object.hasOwnProperty.call(message, "place"))
                    $root.shoal.v1.ChunkPlace.encode(message.place, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a CancelChunk message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.CancelChunk
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.CancelChunk & shoal.v1.CancelChunk.$Shape} CancelChunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            CancelChunk.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.CancelChunk();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.place = $root.shoal.v1.ChunkPlace.decode(reader, reader.size(), $undefined, _depth + 1, message.place);
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return CancelChunk;
        })();

        v1.ParentMessage = (function() {

            /**
             * Properties of a ParentMessage.
             * @typedef {Object} shoal.v1.ParentMessage.$Properties
             * @property {number|null} [queueLength] ParentMessage queueLength
             * @property {shoal.v1.TaskOpened.$Properties|null} [opened] ParentMessage opened
             * @property {shoal.v1.Have.$Properties|null} [have] ParentMessage have
             * @property {shoal.v1.Lost.$Properties|null} [lost] ParentMessage lost
             * @property {shoal.v1.PieceData.$Properties|null} [piece] ParentMessage piece
             * @property {shoal.v1.ChunkData.$Properties|null} [chunk] ParentMessage chunk
             * @property {shoal.v1.Refused.$Properties|null} [refused] ParentMessage refused
             * @property {"opened"|"have"|"lost"|"piece"|"chunk"|"refused"} [kind] ParentMessage kind
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ParentMessage.
             * @memberof shoal.v1
             * @interface IParentMessage
             * @augments shoal.v1.ParentMessage.$Properties
             * @deprecated Use shoal.v1.ParentMessage.$Properties instead.
             */

            /**
             * Narrowed shape of a ParentMessage.
             * @typedef {{
             *   queueLength?: number|null;
             *   opened?: shoal.v1.TaskOpened.$Shape|null;
             *   have?: shoal.v1.Have.$Shape|null;
             *   lost?: shoal.v1.Lost.$Shape|null;
             *   piece?: shoal.v1.PieceData.$Shape|null;
             *   chunk?: shoal.v1.ChunkData.$Shape|null;
             *   refused?: shoal.v1.Refused.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ kind?: undefined; opened?: null; have?: null; lost?: null; piece?: null; chunk?: null; refused?: null }|{ kind?: "opened"; opened: shoal.v1.TaskOpened.$Shape; have?: null; lost?: null; piece?: null; chunk?: null; refused?: null }|{ kind?: "have"; opened?: null; have: shoal.v1.Have.$Shape; lost?: null; piece?: null; chunk?: null; refused?: null }|{ kind?: "lost"; opened?: null; have?: null; lost: shoal.v1.Lost.$Shape; piece?: null; chunk?: null; refused?: null }|{ kind?: "piece"; opened?: null; have?: null; lost?: null; piece: shoal.v1.PieceData.$Shape; chunk?: null; refused?: null }|{ kind?: "chunk"; opened?: null; have?: null; lost?: null; piece?: null; chunk: shoal.v1.ChunkData.$Shape; refused?: null }|{ kind?: "refused"; opened?: null; have?: null; lost?: null; piece?: null; chunk?: null; refused: shoal.v1.Refused.$Shape })
             * )} shoal.v1.ParentMessage.$Shape
             */

            /**
             * Constructs a new ParentMessage.
             * @memberof shoal.v1
             * @classdesc Represents a ParentMessage.
             * @constructor
             * @param {shoal.v1.ParentMessage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ParentMessage = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ParentMessage queueLength.
             * @member {number} queueLength
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            ParentMessage.prototype.queueLength = 0;

            /**
             * ParentMessage opened.
             * @member {shoal.v1.TaskOpened.$Properties|null|undefined} opened
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            ParentMessage.prototype.opened = null;

            /**
             * ParentMessage have.
             * @member {shoal.v1.Have.$Properties|null|undefined} have
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            ParentMessage.prototype.have = null;

            /**
             * ParentMessage lost.
             * @member {shoal.v1.Lost.$Properties|null|undefined} lost
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            ParentMessage.prototype.lost = null;

            /**
             * ParentMessage piece.
             * @member {shoal.v1.PieceData.$Properties|null|undefined} piece
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            ParentMessage.prototype.piece = null;

            /**
             * ParentMessage chunk.
             * @member {shoal.v1.ChunkData.$Properties|null|undefined} chunk
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            ParentMessage.prototype.chunk = null;

            /**
             * ParentMessage refused.
             * @member {shoal.v1.Refused.$Properties|null|undefined} refused
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            ParentMessage.prototype.refused = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * ParentMessage kind.
             * @member {"opened"|"have"|"lost"|"piece"|"chunk"|"refused"|undefined} kind
             * @memberof shoal.v1.ParentMessage
             * @instance
             */
            $Object.defineProperty(ParentMessage.prototype, "kind", {
                get: $util.oneOfGetter($oneOfFields = ["opened", "have", "lost", "piece", "chunk", "refused"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Encodes the specified ParentMessage message. Does not implicitly {@link shoal.v1.ParentMessage.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.ParentMessage
             * @static
             * @param {shoal.v1.ParentMessage.$Properties} message ParentMessage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ParentMessage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.queueLength != null && $Object.hasOwnProperty.call(message, "queueLength") && message.queueLength !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.queueLength);
                if (message.opened != null && $Object.hasOwnProperty.call(message, "opened"))
                    $root.shoal.v1.TaskOpened.encode(message.opened, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.have != null && $Object.hasOwnProperty.call(message, "have"))
                    $root.shoal.v1.Have.encode(message.have, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.lost != null && $Object.hasOwnProperty.call(message, "lost"))
                    $root.shoal.v1.Lost.encode(message.lost, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.piece != null && $Object.hasOwnProperty.call(message, "piece"))
                    $root.shoal.v1.PieceData.encode(message.piece, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                if (message.chunk != null && $Object.hasOwnProperty.call(message, "chunk"))
                    $root.shoal.v1.ChunkData.encode(message.chunk, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                if (message.refused != null && $Object.hasOwnProperty.call(message, "refused"))
                    $root.shoal.v1.Refused.encode(message.refused, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ParentMessage message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.ParentMessage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.ParentMessage & shoal.v1.ParentMessage.$Shape} ParentMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ParentMessage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.ParentMessage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.queueLength = value;
                            else
                                delete message.queueLength;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.opened = $root.shoal.v1.TaskOpened.decode(reader, reader.size(), $undefined, _depth + 1, message.opened);
                            message.kind = "opened";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.have = $root.shoal.v1.Have.decode(reader, reader.size(), $undefined, _depth + 1, message.have);
                            message.kind = "have";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.lost = $root.shoal.v1.Lost.decode(reader, reader.size(), $undefined, _depth + 1, message.lost);
                            message.kind = "lost";
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            message.piece = $root.shoal.v1.PieceData.decode(reader, reader.size(), $undefined, _depth + 1, message.piece);
                            message.kind = "piece";
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            message.chunk = $root.shoal.v1.ChunkData.decode(reader, reader.size(), $undefined, _depth + 1, message.chunk);
                            message.kind = "chunk";
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            message.refused = $root.shoal.v1.Refused.decode(reader, reader.size(), $undefined, _depth + 1, message.refused);
                            message.kind = "refused";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return ParentMessage;
        })();

        v1.TaskOpened = (function() {

            /**
             * Properties of a TaskOpened.
             * @typedef {Object} shoal.v1.TaskOpened.$Properties
             * @property {number|null} [handle] TaskOpened handle
             * @property {shoal.v1.OpenStatus|null} [status] TaskOpened status
             * @property {Uint8Array|null} [pieces] TaskOpened pieces
             * @property {Uint8Array|null} [chunks] TaskOpened chunks
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TaskOpened.
             * @memberof shoal.v1
             * @interface ITaskOpened
             * @augments shoal.v1.TaskOpened.$Properties
             * @deprecated Use shoal.v1.TaskOpened.$Properties instead.
             */

            /**
             * Shape of a TaskOpened.
             * @typedef {shoal.v1.TaskOpened.$Properties} shoal.v1.TaskOpened.$Shape
             */

            /**
             * Constructs a new TaskOpened.
             * @memberof shoal.v1
             * @classdesc Represents a TaskOpened.
             * @constructor
             * @param {shoal.v1.TaskOpened.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TaskOpened = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TaskOpened handle.
             * @member {number} handle
             * @memberof shoal.v1.TaskOpened
             * @instance
             */
            TaskOpened.prototype.handle = 0;

            /**
             * TaskOpened status.
             * @member {shoal.v1.OpenStatus} status
             * @memberof shoal.v1.TaskOpened
             * @instance
             */
            TaskOpened.prototype.status = 0;

            /**
             * TaskOpened pieces.
             * @member {Uint8Array} pieces
             * @memberof shoal.v1.TaskOpened
             * @instance
             */
            TaskOpened.prototype.pieces = $util.newBuffer([]);

            /**
             * TaskOpened chunks.
             * @member {Uint8Array} chunks
             * @memberof shoal.v1.TaskOpened
             * @instance
             */
            TaskOpened.prototype.chunks = $util.newBuffer([]);

            /**
             * Encodes the specified TaskOpened message. Does not implicitly {@link shoal.v1.TaskOpened.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.TaskOpened
             * @static
             * @param {shoal.v1.TaskOpened.$Properties} message TaskOpened message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TaskOpened.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.status != null && $Object.hasOwnProperty.call(message, "status") && message.status !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).int32(message.status);
                if (message.pieces != null && $Object.hasOwnProperty.call(message, "pieces") && message.pieces.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.pieces);
                if (message.chunks != null && $Object.hasOwnProperty.call(message, "chunks") && message.chunks.length)
                    writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.chunks);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TaskOpened message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.TaskOpened
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.TaskOpened & shoal.v1.TaskOpened.$Shape} TaskOpened
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TaskOpened.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.TaskOpened();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.status = value;
                            else
                                delete message.status;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.pieces = value;
                            else
                                delete message.pieces;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.chunks = value;
                            else
                                delete message.chunks;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return TaskOpened;
        })();

        /**
         * OpenStatus enum.
         * @name shoal.v1.OpenStatus
         * @enum {number}
         * @property {number} OPEN_UNKNOWN=0 OPEN_UNKNOWN value
         * @property {number} OPEN_OK=1 OPEN_OK value
         * @property {number} OPEN_NO_TASK=2 OPEN_NO_TASK value
         * @property {number} OPEN_BAD_PROOF=3 OPEN_BAD_PROOF value
         * @property {number} OPEN_TOO_MANY=4 OPEN_TOO_MANY value
         */
        v1.OpenStatus = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "OPEN_UNKNOWN"] = 0;
            values[valuesById[1] = "OPEN_OK"] = 1;
            values[valuesById[2] = "OPEN_NO_TASK"] = 2;
            values[valuesById[3] = "OPEN_BAD_PROOF"] = 3;
            values[valuesById[4] = "OPEN_TOO_MANY"] = 4;
            return values;
        })();

        v1.Have = (function() {

            /**
             * Properties of a Have.
             * @typedef {Object} shoal.v1.Have.$Properties
             * @property {number|null} [handle] Have handle
             * @property {Array.<number>|null} [pieces] Have pieces
             * @property {Array.<number>|null} [chunks] Have chunks
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Have.
             * @memberof shoal.v1
             * @interface IHave
             * @augments shoal.v1.Have.$Properties
             * @deprecated Use shoal.v1.Have.$Properties instead.
             */

            /**
             * Shape of a Have.
             * @typedef {shoal.v1.Have.$Properties} shoal.v1.Have.$Shape
             */

            /**
             * Constructs a new Have.
             * @memberof shoal.v1
             * @classdesc Represents a Have.
             * @constructor
             * @param {shoal.v1.Have.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Have = function (properties) {
                this.pieces = [];
                this.chunks = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Have handle.
             * @member {number} handle
             * @memberof shoal.v1.Have
             * @instance
             */
            Have.prototype.handle = 0;

            /**
             * Have pieces.
             * @member {Array.<number>} pieces
             * @memberof shoal.v1.Have
             * @instance
             */
            Have.prototype.pieces = $util.emptyArray;

            /**
             * Have chunks.
             * @member {Array.<number>} chunks
             * @memberof shoal.v1.Have
             * @instance
             */
            Have.prototype.chunks = $util.emptyArray;

            /**
             * Encodes the specified Have message. Does not implicitly {@link shoal.v1.Have.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Have
             * @static
             * @param {shoal.v1.Have.$Properties} message Have message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Have.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.pieces != null && message.pieces.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.pieces);
                if (message.chunks != null && message.chunks.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.chunks);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Have message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Have
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Have & shoal.v1.Have.$Shape} Have
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Have.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Have();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.pieces && message.pieces.length))
                                    message.pieces = [];
                                reader.uint32s(message.pieces);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.pieces && message.pieces.length))
                                message.pieces = [];
                            message.pieces.push(reader.uint32());
                            continue;
                        }
                    case 3: {
                            if (wireType === 2) {
                                if (!(message.chunks && message.chunks.length))
                                    message.chunks = [];
                                reader.uint32s(message.chunks);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.chunks && message.chunks.length))
                                message.chunks = [];
                            message.chunks.push(reader.uint32());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Have;
        })();

        v1.Lost = (function() {

            /**
             * Properties of a Lost.
             * @typedef {Object} shoal.v1.Lost.$Properties
             * @property {number|null} [handle] Lost handle
             * @property {Array.<number>|null} [pieces] Lost pieces
             * @property {Array.<number>|null} [chunks] Lost chunks
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Lost.
             * @memberof shoal.v1
             * @interface ILost
             * @augments shoal.v1.Lost.$Properties
             * @deprecated Use shoal.v1.Lost.$Properties instead.
             */

            /**
             * Shape of a Lost.
             * @typedef {shoal.v1.Lost.$Properties} shoal.v1.Lost.$Shape
             */

            /**
             * Constructs a new Lost.
             * @memberof shoal.v1
             * @classdesc Represents a Lost.
             * @constructor
             * @param {shoal.v1.Lost.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Lost = function (properties) {
                this.pieces = [];
                this.chunks = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Lost handle.
             * @member {number} handle
             * @memberof shoal.v1.Lost
             * @instance
             */
            Lost.prototype.handle = 0;

            /**
             * Lost pieces.
             * @member {Array.<number>} pieces
             * @memberof shoal.v1.Lost
             * @instance
             */
            Lost.prototype.pieces = $util.emptyArray;

            /**
             * Lost chunks.
             * @member {Array.<number>} chunks
             * @memberof shoal.v1.Lost
             * @instance
             */
            Lost.prototype.chunks = $util.emptyArray;

            /**
             * Encodes the specified Lost message. Does not implicitly {@link shoal.v1.Lost.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Lost
             * @static
             * @param {shoal.v1.Lost.$Properties} message Lost message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Lost.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.pieces != null && message.pieces.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.pieces);
                if (message.chunks != null && message.chunks.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.chunks);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Lost message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Lost
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Lost & shoal.v1.Lost.$Shape} Lost
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Lost.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Lost();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.pieces && message.pieces.length))
                                    message.pieces = [];
                                reader.uint32s(message.pieces);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.pieces && message.pieces.length))
                                message.pieces = [];
                            message.pieces.push(reader.uint32());
                            continue;
                        }
                    case 3: {
                            if (wireType === 2) {
                                if (!(message.chunks && message.chunks.length))
                                    message.chunks = [];
                                reader.uint32s(message.chunks);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.chunks && message.chunks.length))
                                message.chunks = [];
                            message.chunks.push(reader.uint32());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Lost;
        })();

        v1.PieceData = (function() {

            /**
             * Properties of a PieceData.
             * @typedef {Object} shoal.v1.PieceData.$Properties
             * @property {number|null} [handle] PieceData handle
             * @property {number|null} [piece] PieceData piece
             * @property {number|null} [length] PieceData length
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PieceData.
             * @memberof shoal.v1
             * @interface IPieceData
             * @augments shoal.v1.PieceData.$Properties
             * @deprecated Use shoal.v1.PieceData.$Properties instead.
             */

            /**
             * Shape of a PieceData.
             * @typedef {shoal.v1.PieceData.$Properties} shoal.v1.PieceData.$Shape
             */

            /**
             * Constructs a new PieceData.
             * @memberof shoal.v1
             * @classdesc Represents a PieceData.
             * @constructor
             * @param {shoal.v1.PieceData.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PieceData = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PieceData handle.
             * @member {number} handle
             * @memberof shoal.v1.PieceData
             * @instance
             */
            PieceData.prototype.handle = 0;

            /**
             * PieceData piece.
             * @member {number} piece
             * @memberof shoal.v1.PieceData
             * @instance
             */
            PieceData.prototype.piece = 0;

            /**
             * PieceData length.
             * @member {number} length
             * @memberof shoal.v1.PieceData
             * @instance
             */
            PieceData.prototype.length = 0;

            /**
             * Encodes the specified PieceData message. Does not implicitly {@link shoal.v1.PieceData.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.PieceData
             * @static
             * @param {shoal.v1.PieceData.$Properties} message PieceData message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PieceData.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.piece != null && $Object.hasOwnProperty.call(message, "piece") && message.piece !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.piece);
                if (message.length != null && $Object.hasOwnProperty.call(message, "length") && message.length !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.length);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PieceData message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.PieceData
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.PieceData & shoal.v1.PieceData.$Shape} PieceData
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PieceData.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.PieceData();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.piece = value;
                            else
                                delete message.piece;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.length = value;
                            else
                                delete message.length;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return PieceData;
        })();

        v1.ChunkData = (function() {

            /**
             * Properties of a ChunkData.
             * @typedef {Object} shoal.v1.ChunkData.$Properties
             * @property {number|null} [handle] ChunkData handle
             * @property {shoal.v1.ChunkPlace.$Properties|null} [place] ChunkData place
             * @property {number|null} [total] ChunkData total
             * @property {number|null} [position] ChunkData position
             * @property {number|null} [length] ChunkData length
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChunkData.
             * @memberof shoal.v1
             * @interface IChunkData
             * @augments shoal.v1.ChunkData.$Properties
             * @deprecated Use shoal.v1.ChunkData.$Properties instead.
             */

            /**
             * Shape of a ChunkData.
             * @typedef {shoal.v1.ChunkData.$Properties} shoal.v1.ChunkData.$Shape
             */

            /**
             * Constructs a new ChunkData.
             * @memberof shoal.v1
             * @classdesc Represents a ChunkData.
             * @constructor
             * @param {shoal.v1.ChunkData.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChunkData = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChunkData handle.
             * @member {number} handle
             * @memberof shoal.v1.ChunkData
             * @instance
             */
            ChunkData.prototype.handle = 0;

            /**
             * ChunkData place.
             * @member {shoal.v1.ChunkPlace.$Properties|null|undefined} place
             * @memberof shoal.v1.ChunkData
             * @instance
             */
            ChunkData.prototype.place = null;

            /**
             * ChunkData total.
             * @member {number} total
             * @memberof shoal.v1.ChunkData
             * @instance
             */
            ChunkData.prototype.total = 0;

            /**
             * ChunkData position.
             * @member {number} position
             * @memberof shoal.v1.ChunkData
             * @instance
             */
            ChunkData.prototype.position = 0;

            /**
             * ChunkData length.
             * @member {number} length
             * @memberof shoal.v1.ChunkData
             * @instance
             */
            ChunkData.prototype.length = 0;

            /**
             * Encodes the specified ChunkData message. Does not implicitly {@link shoal.v1.ChunkData.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.ChunkData
             * @static
             * @param {shoal.v1.ChunkData.$Properties} message ChunkData message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChunkData.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.place != null && $Object.hasOwnProperty.call(message, "place"))
                    $root.shoal.v1.ChunkPlace.encode(message.place, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.total != null && $Object.hasOwnProperty.call(message, "total") && message.total !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.total);
                if (message.position != null && $Object.hasOwnProperty.call(message, "position") && message.position !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.position);
                if (message.length != null && $Object.hasOwnProperty.call(message, "length") && message.length !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.length);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChunkData message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.ChunkData
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.ChunkData & shoal.v1.ChunkData.$Shape} ChunkData
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChunkData.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.ChunkData();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.place = $root.shoal.v1.ChunkPlace.decode(reader, reader.size(), $undefined, _depth + 1, message.place);
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.total = value;
                            else
                                delete message.total;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.position = value;
                            else
                                delete message.position;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.length = value;
                            else
                                delete message.length;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return ChunkData;
        })();

        v1.Refused = (function() {

            /**
             * Properties of a Refused.
             * @typedef {Object} shoal.v1.Refused.$Properties
             * @property {number|null} [handle] Refused handle
             * @property {shoal.v1.RefusalReason|null} [reason] Refused reason
             * @property {Array.<number>|null} [pieces] Refused pieces
             * @property {Array.<shoal.v1.ChunkPlace.$Properties>|null} [chunks] Refused chunks
             * @property {Array.<Uint8Array>|null} [tryPeers] Refused tryPeers
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Refused.
             * @memberof shoal.v1
             * @interface IRefused
             * @augments shoal.v1.Refused.$Properties
             * @deprecated Use shoal.v1.Refused.$Properties instead.
             */

            /**
             * Shape of a Refused.
             * @typedef {shoal.v1.Refused.$Properties} shoal.v1.Refused.$Shape
             */

            /**
             * Constructs a new Refused.
             * @memberof shoal.v1
             * @classdesc Represents a Refused.
             * @constructor
             * @param {shoal.v1.Refused.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Refused = function (properties) {
                this.pieces = [];
                this.chunks = [];
                this.tryPeers = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Refused handle.
             * @member {number} handle
             * @memberof shoal.v1.Refused
             * @instance
             */
            Refused.prototype.handle = 0;

            /**
             * Refused reason.
             * @member {shoal.v1.RefusalReason} reason
             * @memberof shoal.v1.Refused
             * @instance
             */
            Refused.prototype.reason = 0;

            /**
             * Refused pieces.
             * @member {Array.<number>} pieces
             * @memberof shoal.v1.Refused
             * @instance
             */
            Refused.prototype.pieces = $util.emptyArray;

            /**
             * Refused chunks.
             * @member {Array.<shoal.v1.ChunkPlace.$Properties>} chunks
             * @memberof shoal.v1.Refused
             * @instance
             */
            Refused.prototype.chunks = $util.emptyArray;

            /**
             * Refused tryPeers.
             * @member {Array.<Uint8Array>} tryPeers
             * @memberof shoal.v1.Refused
             * @instance
             */
            Refused.prototype.tryPeers = $util.emptyArray;

            /**
             * Encodes the specified Refused message. Does not implicitly {@link shoal.v1.Refused.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Refused
             * @static
             * @param {shoal.v1.Refused.$Properties} message Refused message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Refused.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).int32(message.reason);
                if (message.pieces != null && message.pieces.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.pieces);
                if (message.chunks != null && message.chunks.length)
                    for (let i = 0; i < message.chunks.length; ++i)
                        $root.shoal.v1.ChunkPlace.encode(message.chunks[i], writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.tryPeers != null && message.tryPeers.length)
                    for (let i = 0; i < message.tryPeers.length; ++i)
                        writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.tryPeers[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Refused message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Refused
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Refused & shoal.v1.Refused.$Shape} Refused
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Refused.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Refused();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    case 3: {
                            if (wireType === 2) {
                                if (!(message.pieces && message.pieces.length))
                                    message.pieces = [];
                                reader.uint32s(message.pieces);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.pieces && message.pieces.length))
                                message.pieces = [];
                            message.pieces.push(reader.uint32());
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if (!(message.chunks && message.chunks.length))
                                message.chunks = [];
                            message.chunks.push($root.shoal.v1.ChunkPlace.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if (!(message.tryPeers && message.tryPeers.length))
                                message.tryPeers = [];
                            message.tryPeers.push(reader.bytes());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Refused;
        })();

        /**
         * RefusalReason enum.
         * @name shoal.v1.RefusalReason
         * @enum {number}
         * @property {number} REFUSED_UNKNOWN=0 REFUSED_UNKNOWN value
         * @property {number} REFUSED_BUSY=1 REFUSED_BUSY value
         * @property {number} REFUSED_ABSENT=2 REFUSED_ABSENT value
         * @property {number} REFUSED_FAILED=3 REFUSED_FAILED value
         */
        v1.RefusalReason = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "REFUSED_UNKNOWN"] = 0;
            values[valuesById[1] = "REFUSED_BUSY"] = 1;
            values[valuesById[2] = "REFUSED_ABSENT"] = 2;
            values[valuesById[3] = "REFUSED_FAILED"] = 3;
            return values;
        })();

        v1.NodeMessage = (function() {

            /**
             * Properties of a NodeMessage.
             * @typedef {Object} shoal.v1.NodeMessage.$Properties
             * @property {shoal.v1.Hello.$Properties|null} [hello] NodeMessage hello
             * @property {shoal.v1.JoinTask.$Properties|null} [join] NodeMessage join
             * @property {shoal.v1.LeaveTask.$Properties|null} [leave] NodeMessage leave
             * @property {shoal.v1.Report.$Properties|null} [report] NodeMessage report
             * @property {shoal.v1.Want.$Properties|null} [want] NodeMessage want
             * @property {shoal.v1.LeaseFailed.$Properties|null} [leaseFailed] NodeMessage leaseFailed
             * @property {shoal.v1.Accuse.$Properties|null} [accuse] NodeMessage accuse
             * @property {shoal.v1.Ping.$Properties|null} [ping] NodeMessage ping
             * @property {shoal.v1.Pong.$Properties|null} [pong] NodeMessage pong
             * @property {shoal.v1.FollowTrace.$Properties|null} [follow] NodeMessage follow
             * @property {"hello"|"join"|"leave"|"report"|"want"|"leaseFailed"|"accuse"|"ping"|"pong"|"follow"} [kind] NodeMessage kind
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a NodeMessage.
             * @memberof shoal.v1
             * @interface INodeMessage
             * @augments shoal.v1.NodeMessage.$Properties
             * @deprecated Use shoal.v1.NodeMessage.$Properties instead.
             */

            /**
             * Narrowed shape of a NodeMessage.
             * @typedef {{
             *   hello?: shoal.v1.Hello.$Shape|null;
             *   join?: shoal.v1.JoinTask.$Shape|null;
             *   leave?: shoal.v1.LeaveTask.$Shape|null;
             *   report?: shoal.v1.Report.$Shape|null;
             *   want?: shoal.v1.Want.$Shape|null;
             *   leaseFailed?: shoal.v1.LeaseFailed.$Shape|null;
             *   accuse?: shoal.v1.Accuse.$Shape|null;
             *   ping?: shoal.v1.Ping.$Shape|null;
             *   pong?: shoal.v1.Pong.$Shape|null;
             *   follow?: shoal.v1.FollowTrace.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ kind?: undefined; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "hello"; hello: shoal.v1.Hello.$Shape; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "join"; hello?: null; join: shoal.v1.JoinTask.$Shape; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "leave"; hello?: null; join?: null; leave: shoal.v1.LeaveTask.$Shape; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "report"; hello?: null; join?: null; leave?: null; report: shoal.v1.Report.$Shape; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "want"; hello?: null; join?: null; leave?: null; report?: null; want: shoal.v1.Want.$Shape; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "leaseFailed"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed: shoal.v1.LeaseFailed.$Shape; accuse?: null; ping?: null; pong?: null; follow?: null }|{ kind?: "accuse"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse: shoal.v1.Accuse.$Shape; ping?: null; pong?: null; follow?: null }|{ kind?: "ping"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping: shoal.v1.Ping.$Shape; pong?: null; follow?: null }|{ kind?: "pong"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong: shoal.v1.Pong.$Shape; follow?: null }|{ kind?: "follow"; hello?: null; join?: null; leave?: null; report?: null; want?: null; leaseFailed?: null; accuse?: null; ping?: null; pong?: null; follow: shoal.v1.FollowTrace.$Shape })
             * )} shoal.v1.NodeMessage.$Shape
             */

            /**
             * Constructs a new NodeMessage.
             * @memberof shoal.v1
             * @classdesc Represents a NodeMessage.
             * @constructor
             * @param {shoal.v1.NodeMessage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const NodeMessage = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * NodeMessage hello.
             * @member {shoal.v1.Hello.$Properties|null|undefined} hello
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.hello = null;

            /**
             * NodeMessage join.
             * @member {shoal.v1.JoinTask.$Properties|null|undefined} join
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.join = null;

            /**
             * NodeMessage leave.
             * @member {shoal.v1.LeaveTask.$Properties|null|undefined} leave
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.leave = null;

            /**
             * NodeMessage report.
             * @member {shoal.v1.Report.$Properties|null|undefined} report
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.report = null;

            /**
             * NodeMessage want.
             * @member {shoal.v1.Want.$Properties|null|undefined} want
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.want = null;

            /**
             * NodeMessage leaseFailed.
             * @member {shoal.v1.LeaseFailed.$Properties|null|undefined} leaseFailed
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.leaseFailed = null;

            /**
             * NodeMessage accuse.
             * @member {shoal.v1.Accuse.$Properties|null|undefined} accuse
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.accuse = null;

            /**
             * NodeMessage ping.
             * @member {shoal.v1.Ping.$Properties|null|undefined} ping
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.ping = null;

            /**
             * NodeMessage pong.
             * @member {shoal.v1.Pong.$Properties|null|undefined} pong
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.pong = null;

            /**
             * NodeMessage follow.
             * @member {shoal.v1.FollowTrace.$Properties|null|undefined} follow
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            NodeMessage.prototype.follow = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * NodeMessage kind.
             * @member {"hello"|"join"|"leave"|"report"|"want"|"leaseFailed"|"accuse"|"ping"|"pong"|"follow"|undefined} kind
             * @memberof shoal.v1.NodeMessage
             * @instance
             */
            $Object.defineProperty(NodeMessage.prototype, "kind", {
                get: $util.oneOfGetter($oneOfFields = ["hello", "join", "leave", "report", "want", "leaseFailed", "accuse", "ping", "pong", "follow"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Encodes the specified NodeMessage message. Does not implicitly {@link shoal.v1.NodeMessage.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.NodeMessage
             * @static
             * @param {shoal.v1.NodeMessage.$Properties} message NodeMessage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            NodeMessage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.hello != null && $Object.hasOwnProperty.call(message, "hello"))
                    $root.shoal.v1.Hello.encode(message.hello, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.join != null && $Object.hasOwnProperty.call(message, "join"))
                    $root.shoal.v1.JoinTask.encode(message.join, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.leave != null && $Object.hasOwnProperty.call(message, "leave"))
                    $root.shoal.v1.LeaveTask.encode(message.leave, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.report != null && $Object.hasOwnProperty.call(message, "report"))
                    $root.shoal.v1.Report.encode(message.report, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.want != null && $Object.hasOwnProperty.call(message, "want"))
                    $root.shoal.v1.Want.encode(message.want, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                if (message.leaseFailed != null && $Object.hasOwnProperty.call(message, "leaseFailed"))
                    $root.shoal.v1.LeaseFailed.encode(message.leaseFailed, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                if (message.accuse != null && $Object.hasOwnProperty.call(message, "accuse"))
                    $root.shoal.v1.Accuse.encode(message.accuse, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                if (message.ping != null && $Object.hasOwnProperty.call(message, "ping"))
                    $root.shoal.v1.Ping.encode(message.ping, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                if (message.pong != null && $Object.hasOwnProperty.call(message, "pong"))
                    $root.shoal.v1.Pong.encode(message.pong, writer.uint32(/* id 9, wireType 2 =*/74).fork(), _depth + 1).ldelim();
                if (message.follow != null && $Object.hasOwnProperty.call(message, "follow"))
                    $root.shoal.v1.FollowTrace.encode(message.follow, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a NodeMessage message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.NodeMessage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.NodeMessage & shoal.v1.NodeMessage.$Shape} NodeMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            NodeMessage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.NodeMessage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            message.hello = $root.shoal.v1.Hello.decode(reader, reader.size(), $undefined, _depth + 1, message.hello);
                            message.kind = "hello";
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.join = $root.shoal.v1.JoinTask.decode(reader, reader.size(), $undefined, _depth + 1, message.join);
                            message.kind = "join";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.leave = $root.shoal.v1.LeaveTask.decode(reader, reader.size(), $undefined, _depth + 1, message.leave);
                            message.kind = "leave";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.report = $root.shoal.v1.Report.decode(reader, reader.size(), $undefined, _depth + 1, message.report);
                            message.kind = "report";
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            message.want = $root.shoal.v1.Want.decode(reader, reader.size(), $undefined, _depth + 1, message.want);
                            message.kind = "want";
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            message.leaseFailed = $root.shoal.v1.LeaseFailed.decode(reader, reader.size(), $undefined, _depth + 1, message.leaseFailed);
                            message.kind = "leaseFailed";
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            message.accuse = $root.shoal.v1.Accuse.decode(reader, reader.size(), $undefined, _depth + 1, message.accuse);
                            message.kind = "accuse";
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            message.ping = $root.shoal.v1.Ping.decode(reader, reader.size(), $undefined, _depth + 1, message.ping);
                            message.kind = "ping";
                            continue;
                        }
                    case 9: {
                            if (wireType !== 2)
                                break;
                            message.pong = $root.shoal.v1.Pong.decode(reader, reader.size(), $undefined, _depth + 1, message.pong);
                            message.kind = "pong";
                            continue;
                        }
                    case 10: {
                            if (wireType !== 2)
                                break;
                            message.follow = $root.shoal.v1.FollowTrace.decode(reader, reader.size(), $undefined, _depth + 1, message.follow);
                            message.kind = "follow";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return NodeMessage;
        })();

        v1.Ping = (function() {

            /**
             * Properties of a Ping.
             * @typedef {Object} shoal.v1.Ping.$Properties
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Ping.
             * @memberof shoal.v1
             * @interface IPing
             * @augments shoal.v1.Ping.$Properties
             * @deprecated Use shoal.v1.Ping.$Properties instead.
             */

            /**
             * Shape of a Ping.
             * @typedef {shoal.v1.Ping.$Properties} shoal.v1.Ping.$Shape
             */

            /**
             * Constructs a new Ping.
             * @memberof shoal.v1
             * @classdesc Represents a Ping.
             * @constructor
             * @param {shoal.v1.Ping.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Ping = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Encodes the specified Ping message. Does not implicitly {@link shoal.v1.Ping.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Ping
             * @static
             * @param {shoal.v1.Ping.$Properties} message Ping message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Ping.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Ping message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Ping
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Ping & shoal.v1.Ping.$Shape} Ping
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Ping.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Ping();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    reader.skipType(tag & 7, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Ping;
        })();

        v1.Pong = (function() {

            /**
             * Properties of a Pong.
             * @typedef {Object} shoal.v1.Pong.$Properties
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Pong.
             * @memberof shoal.v1
             * @interface IPong
             * @augments shoal.v1.Pong.$Properties
             * @deprecated Use shoal.v1.Pong.$Properties instead.
             */

            /**
             * Shape of a Pong.
             * @typedef {shoal.v1.Pong.$Properties} shoal.v1.Pong.$Shape
             */

            /**
             * Constructs a new Pong.
             * @memberof shoal.v1
             * @classdesc Represents a Pong.
             * @constructor
             * @param {shoal.v1.Pong.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Pong = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Encodes the specified Pong message. Does not implicitly {@link shoal.v1.Pong.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Pong
             * @static
             * @param {shoal.v1.Pong.$Properties} message Pong message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Pong.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Pong message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Pong
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Pong & shoal.v1.Pong.$Shape} Pong
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Pong.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Pong();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    reader.skipType(tag & 7, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Pong;
        })();

        v1.Hello = (function() {

            /**
             * Properties of a Hello.
             * @typedef {Object} shoal.v1.Hello.$Properties
             * @property {Array.<string>|null} [addresses] Hello addresses
             * @property {string|null} [name] Hello name
             * @property {string|null} [region] Hello region
             * @property {string|null} [zone] Hello zone
             * @property {string|null} [rack] Hello rack
             * @property {shoal.v1.HostType|null} [hostType] Hello hostType
             * @property {number|null} [uploadSlots] Hello uploadSlots
             * @property {string|null} [version] Hello version
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Hello.
             * @memberof shoal.v1
             * @interface IHello
             * @augments shoal.v1.Hello.$Properties
             * @deprecated Use shoal.v1.Hello.$Properties instead.
             */

            /**
             * Shape of a Hello.
             * @typedef {shoal.v1.Hello.$Properties} shoal.v1.Hello.$Shape
             */

            /**
             * Constructs a new Hello.
             * @memberof shoal.v1
             * @classdesc Represents a Hello.
             * @constructor
             * @param {shoal.v1.Hello.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Hello = function (properties) {
                this.addresses = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Hello addresses.
             * @member {Array.<string>} addresses
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.addresses = $util.emptyArray;

            /**
             * Hello name.
             * @member {string} name
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.name = "";

            /**
             * Hello region.
             * @member {string} region
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.region = "";

            /**
             * Hello zone.
             * @member {string} zone
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.zone = "";

            /**
             * Hello rack.
             * @member {string} rack
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.rack = "";

            /**
             * Hello hostType.
             * @member {shoal.v1.HostType} hostType
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.hostType = 0;

            /**
             * Hello uploadSlots.
             * @member {number} uploadSlots
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.uploadSlots = 0;

            /**
             * Hello version.
             * @member {string} version
             * @memberof shoal.v1.Hello
             * @instance
             */
            Hello.prototype.version = "";

            /**
             * Encodes the specified Hello message. Does not implicitly {@link shoal.v1.Hello.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Hello
             * @static
             * @param {shoal.v1.Hello.$Properties} message Hello message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Hello.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.addresses != null && message.addresses.length)
                    for (let i = 0; i < message.addresses.length; ++i)
                        writer.uint32(/* id 1, wireType 2 =*/10).string(message.addresses[i]);
                if (message.name != null && $Object.hasOwnProperty.call(message, "name") && message.name !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.name);
                if (message.region != null && $Object.hasOwnProperty.call(message, "region") && message.region !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.region);
                if (message.zone != null && $Object.hasOwnProperty.call(message, "zone") && message.zone !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.zone);
                if (message.rack != null && $Object.hasOwnProperty.call(message, "rack") && message.rack !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.rack);
                if (message.hostType != null && $Object.hasOwnProperty.call(message, "hostType") && message.hostType !== 0)
                    writer.uint32(/* id 6, wireType 0 =*/48).int32(message.hostType);
                if (message.uploadSlots != null && $Object.hasOwnProperty.call(message, "uploadSlots") && message.uploadSlots !== 0)
                    writer.uint32(/* id 7, wireType 0 =*/56).uint32(message.uploadSlots);
                if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== "")
                    writer.uint32(/* id 8, wireType 2 =*/66).string(message.version);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Hello
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Hello & shoal.v1.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Hello.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Hello();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if (!(message.addresses && message.addresses.length))
                                message.addresses = [];
                            message.addresses.push(reader.stringVerify());
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.name = value;
                            else
                                delete message.name;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.region = value;
                            else
                                delete message.region;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.zone = value;
                            else
                                delete message.zone;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.rack = value;
                            else
                                delete message.rack;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.hostType = value;
                            else
                                delete message.hostType;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.uploadSlots = value;
                            else
                                delete message.uploadSlots;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.version = value;
                            else
                                delete message.version;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Hello;
        })();

        /**
         * HostType enum.
         * @name shoal.v1.HostType
         * @enum {number}
         * @property {number} HOST_NORMAL=0 HOST_NORMAL value
         * @property {number} HOST_SEED=1 HOST_SEED value
         */
        v1.HostType = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "HOST_NORMAL"] = 0;
            values[valuesById[1] = "HOST_SEED"] = 1;
            return values;
        })();

        v1.JoinTask = (function() {

            /**
             * Properties of a JoinTask.
             * @typedef {Object} shoal.v1.JoinTask.$Properties
             * @property {number|null} [handle] JoinTask handle
             * @property {Uint8Array|null} [taskId] JoinTask taskId
             * @property {number|null} [pieceCount] JoinTask pieceCount
             * @property {Uint8Array|null} [pieces] JoinTask pieces
             * @property {Uint8Array|null} [chunks] JoinTask chunks
             * @property {boolean|null} [reachesOrigin] JoinTask reachesOrigin
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a JoinTask.
             * @memberof shoal.v1
             * @interface IJoinTask
             * @augments shoal.v1.JoinTask.$Properties
             * @deprecated Use shoal.v1.JoinTask.$Properties instead.
             */

            /**
             * Shape of a JoinTask.
             * @typedef {shoal.v1.JoinTask.$Properties} shoal.v1.JoinTask.$Shape
             */

            /**
             * Constructs a new JoinTask.
             * @memberof shoal.v1
             * @classdesc Represents a JoinTask.
             * @constructor
             * @param {shoal.v1.JoinTask.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const JoinTask = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * JoinTask handle.
             * @member {number} handle
             * @memberof shoal.v1.JoinTask
             * @instance
             */
            JoinTask.prototype.handle = 0;

            /**
             * JoinTask taskId.
             * @member {Uint8Array} taskId
             * @memberof shoal.v1.JoinTask
             * @instance
             */
            JoinTask.prototype.taskId = $util.newBuffer([]);

            /**
             * JoinTask pieceCount.
             * @member {number} pieceCount
             * @memberof shoal.v1.JoinTask
             * @instance
             */
            JoinTask.prototype.pieceCount = 0;

            /**
             * JoinTask pieces.
             * @member {Uint8Array} pieces
             * @memberof shoal.v1.JoinTask
             * @instance
             */
            JoinTask.prototype.pieces = $util.newBuffer([]);

            /**
             * JoinTask chunks.
             * @member {Uint8Array} chunks
             * @memberof shoal.v1.JoinTask
             * @instance
             */
            JoinTask.prototype.chunks = $util.newBuffer([]);

            /**
             * JoinTask reachesOrigin.
             * @member {boolean} reachesOrigin
             * @memberof shoal.v1.JoinTask
             * @instance
             */
            JoinTask.prototype.reachesOrigin = false;

            /**
             * Encodes the specified JoinTask message. Does not implicitly {@link shoal.v1.JoinTask.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.JoinTask
             * @static
             * @param {shoal.v1.JoinTask.$Properties} message JoinTask message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            JoinTask.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.taskId != null && $Object.hasOwnProperty.call(message, "taskId") && message.taskId.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.taskId);
                if (message.pieceCount != null && $Object.hasOwnProperty.call(message, "pieceCount") && message.pieceCount !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.pieceCount);
                if (message.pieces != null && $Object.hasOwnProperty.call(message, "pieces") && message.pieces.length)
                    writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.pieces);
                if (message.chunks != null && $Object.hasOwnProperty.call(message, "chunks") && message.chunks.length)
                    writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.chunks);
                if (message.reachesOrigin != null && $Object.hasOwnProperty.call(message, "reachesOrigin") && message.reachesOrigin !== false)
                    writer.uint32(/* id 6, wireType 0 =*/48).bool(message.reachesOrigin);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a JoinTask message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.JoinTask
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.JoinTask & shoal.v1.JoinTask.$Shape} JoinTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            JoinTask.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.JoinTask();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.taskId = value;
                            else
                                delete message.taskId;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.pieceCount = value;
                            else
                                delete message.pieceCount;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.pieces = value;
                            else
                                delete message.pieces;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.chunks = value;
                            else
                                delete message.chunks;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.reachesOrigin = value;
                            else
                                delete message.reachesOrigin;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return JoinTask;
        })();

        v1.LeaveTask = (function() {

            /**
             * Properties of a LeaveTask.
             * @typedef {Object} shoal.v1.LeaveTask.$Properties
             * @property {number|null} [handle] LeaveTask handle
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a LeaveTask.
             * @memberof shoal.v1
             * @interface ILeaveTask
             * @augments shoal.v1.LeaveTask.$Properties
             * @deprecated Use shoal.v1.LeaveTask.$Properties instead.
             */

            /**
             * Shape of a LeaveTask.
             * @typedef {shoal.v1.LeaveTask.$Properties} shoal.v1.LeaveTask.$Shape
             */

            /**
             * Constructs a new LeaveTask.
             * @memberof shoal.v1
             * @classdesc Represents a LeaveTask.
             * @constructor
             * @param {shoal.v1.LeaveTask.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const LeaveTask = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * LeaveTask handle.
             * @member {number} handle
             * @memberof shoal.v1.LeaveTask
             * @instance
             */
            LeaveTask.prototype.handle = 0;

            /**
             * Encodes the specified LeaveTask message. Does not implicitly {@link shoal.v1.LeaveTask.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.LeaveTask
             * @static
             * @param {shoal.v1.LeaveTask.$Properties} message LeaveTask message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            LeaveTask.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a LeaveTask message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.LeaveTask
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.LeaveTask & shoal.v1.LeaveTask.$Shape} LeaveTask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            LeaveTask.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.LeaveTask();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return LeaveTask;
        })();

        v1.FollowTrace = (function() {

            /**
             * Properties of a FollowTrace.
             * @typedef {Object} shoal.v1.FollowTrace.$Properties
             * @property {number|null} [handle] FollowTrace handle
             * @property {boolean|null} [follows] FollowTrace follows
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a FollowTrace.
             * @memberof shoal.v1
             * @interface IFollowTrace
             * @augments shoal.v1.FollowTrace.$Properties
             * @deprecated Use shoal.v1.FollowTrace.$Properties instead.
             */

            /**
             * Shape of a FollowTrace.
             * @typedef {shoal.v1.FollowTrace.$Properties} shoal.v1.FollowTrace.$Shape
             */

            /**
             * Constructs a new FollowTrace.
             * @memberof shoal.v1
             * @classdesc Represents a FollowTrace.
             * @constructor
             * @param {shoal.v1.FollowTrace.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const FollowTrace = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * FollowTrace handle.
             * @member {number} handle
             * @memberof shoal.v1.FollowTrace
             * @instance
             */
            FollowTrace.prototype.handle = 0;

            /**
             * FollowTrace follows.
             * @member {boolean} follows
             * @memberof shoal.v1.FollowTrace
             * @instance
             */
            FollowTrace.prototype.follows = false;

            /**
             * Encodes the specified FollowTrace message. Does not implicitly {@link shoal.v1.FollowTrace.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.FollowTrace
             * @static
             * @param {shoal.v1.FollowTrace.$Properties} message FollowTrace message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            FollowTrace.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.follows != null && $Object.hasOwnProperty.call(message, "follows") && message.follows !== false)
                    writer.uint32(/* id 2, wireType 0 =*/16).bool(message.follows);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a FollowTrace message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.FollowTrace
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.FollowTrace & shoal.v1.FollowTrace.$Shape} FollowTrace
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            FollowTrace.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.FollowTrace();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.follows = value;
                            else
                                delete message.follows;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return FollowTrace;
        })();

        v1.Report = (function() {

            /**
             * Properties of a Report.
             * @typedef {Object} shoal.v1.Report.$Properties
             * @property {Array.<shoal.v1.TaskReport.$Properties>|null} [tasks] Report tasks
             * @property {Array.<shoal.v1.ParentReport.$Properties>|null} [parents] Report parents
             * @property {number|null} [queueLength] Report queueLength
             * @property {number|null} [freeSlots] Report freeSlots
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Report.
             * @memberof shoal.v1
             * @interface IReport
             * @augments shoal.v1.Report.$Properties
             * @deprecated Use shoal.v1.Report.$Properties instead.
             */

            /**
             * Shape of a Report.
             * @typedef {shoal.v1.Report.$Properties} shoal.v1.Report.$Shape
             */

            /**
             * Constructs a new Report.
             * @memberof shoal.v1
             * @classdesc Represents a Report.
             * @constructor
             * @param {shoal.v1.Report.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Report = function (properties) {
                this.tasks = [];
                this.parents = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Report tasks.
             * @member {Array.<shoal.v1.TaskReport.$Properties>} tasks
             * @memberof shoal.v1.Report
             * @instance
             */
            Report.prototype.tasks = $util.emptyArray;

            /**
             * Report parents.
             * @member {Array.<shoal.v1.ParentReport.$Properties>} parents
             * @memberof shoal.v1.Report
             * @instance
             */
            Report.prototype.parents = $util.emptyArray;

            /**
             * Report queueLength.
             * @member {number} queueLength
             * @memberof shoal.v1.Report
             * @instance
             */
            Report.prototype.queueLength = 0;

            /**
             * Report freeSlots.
             * @member {number} freeSlots
             * @memberof shoal.v1.Report
             * @instance
             */
            Report.prototype.freeSlots = 0;

            /**
             * Encodes the specified Report message. Does not implicitly {@link shoal.v1.Report.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Report
             * @static
             * @param {shoal.v1.Report.$Properties} message Report message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Report.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.tasks != null && message.tasks.length)
                    for (let i = 0; i < message.tasks.length; ++i)
                        $root.shoal.v1.TaskReport.encode(message.tasks[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.parents != null && message.parents.length)
                    for (let i = 0; i < message.parents.length; ++i)
                        $root.shoal.v1.ParentReport.encode(message.parents[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.queueLength != null && $Object.hasOwnProperty.call(message, "queueLength") && message.queueLength !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.queueLength);
                if (message.freeSlots != null && $Object.hasOwnProperty.call(message, "freeSlots") && message.freeSlots !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.freeSlots);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Report message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Report
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Report & shoal.v1.Report.$Shape} Report
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Report.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Report();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if (!(message.tasks && message.tasks.length))
                                message.tasks = [];
                            message.tasks.push($root.shoal.v1.TaskReport.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.parents && message.parents.length))
                                message.parents = [];
                            message.parents.push($root.shoal.v1.ParentReport.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.queueLength = value;
                            else
                                delete message.queueLength;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.freeSlots = value;
                            else
                                delete message.freeSlots;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Report;
        })();

        v1.TaskReport = (function() {

            /**
             * Properties of a TaskReport.
             * @typedef {Object} shoal.v1.TaskReport.$Properties
             * @property {number|null} [handle] TaskReport handle
             * @property {Array.<number>|null} [piecesGained] TaskReport piecesGained
             * @property {Array.<number>|null} [piecesLost] TaskReport piecesLost
             * @property {Array.<number>|null} [chunksGained] TaskReport chunksGained
             * @property {Array.<number>|null} [chunksLost] TaskReport chunksLost
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TaskReport.
             * @memberof shoal.v1
             * @interface ITaskReport
             * @augments shoal.v1.TaskReport.$Properties
             * @deprecated Use shoal.v1.TaskReport.$Properties instead.
             */

            /**
             * Shape of a TaskReport.
             * @typedef {shoal.v1.TaskReport.$Properties} shoal.v1.TaskReport.$Shape
             */

            /**
             * Constructs a new TaskReport.
             * @memberof shoal.v1
             * @classdesc Represents a TaskReport.
             * @constructor
             * @param {shoal.v1.TaskReport.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TaskReport = function (properties) {
                this.piecesGained = [];
                this.piecesLost = [];
                this.chunksGained = [];
                this.chunksLost = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TaskReport handle.
             * @member {number} handle
             * @memberof shoal.v1.TaskReport
             * @instance
             */
            TaskReport.prototype.handle = 0;

            /**
             * TaskReport piecesGained.
             * @member {Array.<number>} piecesGained
             * @memberof shoal.v1.TaskReport
             * @instance
             */
            TaskReport.prototype.piecesGained = $util.emptyArray;

            /**
             * TaskReport piecesLost.
             * @member {Array.<number>} piecesLost
             * @memberof shoal.v1.TaskReport
             * @instance
             */
            TaskReport.prototype.piecesLost = $util.emptyArray;

            /**
             * TaskReport chunksGained.
             * @member {Array.<number>} chunksGained
             * @memberof shoal.v1.TaskReport
             * @instance
             */
            TaskReport.prototype.chunksGained = $util.emptyArray;

            /**
             * TaskReport chunksLost.
             * @member {Array.<number>} chunksLost
             * @memberof shoal.v1.TaskReport
             * @instance
             */
            TaskReport.prototype.chunksLost = $util.emptyArray;

            /**
             * Encodes the specified TaskReport message. Does not implicitly {@link shoal.v1.TaskReport.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.TaskReport
             * @static
             * @param {shoal.v1.TaskReport.$Properties} message TaskReport message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TaskReport.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.piecesGained != null && message.piecesGained.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.piecesGained);
                if (message.piecesLost != null && message.piecesLost.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.piecesLost);
                if (message.chunksGained != null && message.chunksGained.length)
                    writer.uint32(/* id 4, wireType 2 =*/34).uint32s(message.chunksGained);
                if (message.chunksLost != null && message.chunksLost.length)
                    writer.uint32(/* id 5, wireType 2 =*/42).uint32s(message.chunksLost);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TaskReport message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.TaskReport
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.TaskReport & shoal.v1.TaskReport.$Shape} TaskReport
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TaskReport.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.TaskReport();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.piecesGained && message.piecesGained.length))
                                    message.piecesGained = [];
                                reader.uint32s(message.piecesGained);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.piecesGained && message.piecesGained.length))
                                message.piecesGained = [];
                            message.piecesGained.push(reader.uint32());
                            continue;
                        }
                    case 3: {
                            if (wireType === 2) {
                                if (!(message.piecesLost && message.piecesLost.length))
                                    message.piecesLost = [];
                                reader.uint32s(message.piecesLost);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.piecesLost && message.piecesLost.length))
                                message.piecesLost = [];
                            message.piecesLost.push(reader.uint32());
                            continue;
                        }
                    case 4: {
                            if (wireType === 2) {
                                if (!(message.chunksGained && message.chunksGained.length))
                                    message.chunksGained = [];
                                reader.uint32s(message.chunksGained);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.chunksGained && message.chunksGained.length))
                                message.chunksGained = [];
                            message.chunksGained.push(reader.uint32());
                            continue;
                        }
                    case 5: {
                            if (wireType === 2) {
                                if (!(message.chunksLost && message.chunksLost.length))
                                    message.chunksLost = [];
                                reader.uint32s(message.chunksLost);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.chunksLost && message.chunksLost.length))
                                message.chunksLost = [];
                            message.chunksLost.push(reader.uint32());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return TaskReport;
        })();

        v1.ParentReport = (function() {

            /**
             * Properties of a ParentReport.
             * @typedef {Object} shoal.v1.ParentReport.$Properties
             * @property {Uint8Array|null} [peerId] ParentReport peerId
             * @property {number|null} [pieces] ParentReport pieces
             * @property {number|null} [milliseconds] ParentReport milliseconds
             * @property {number|null} [failures] ParentReport failures
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ParentReport.
             * @memberof shoal.v1
             * @interface IParentReport
             * @augments shoal.v1.ParentReport.$Properties
             * @deprecated Use shoal.v1.ParentReport.$Properties instead.
             */

            /**
             * Shape of a ParentReport.
             * @typedef {shoal.v1.ParentReport.$Properties} shoal.v1.ParentReport.$Shape
             */

            /**
             * Constructs a new ParentReport.
             * @memberof shoal.v1
             * @classdesc Represents a ParentReport.
             * @constructor
             * @param {shoal.v1.ParentReport.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ParentReport = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ParentReport peerId.
             * @member {Uint8Array} peerId
             * @memberof shoal.v1.ParentReport
             * @instance
             */
            ParentReport.prototype.peerId = $util.newBuffer([]);

            /**
             * ParentReport pieces.
             * @member {number} pieces
             * @memberof shoal.v1.ParentReport
             * @instance
             */
            ParentReport.prototype.pieces = 0;

            /**
             * ParentReport milliseconds.
             * @member {number} milliseconds
             * @memberof shoal.v1.ParentReport
             * @instance
             */
            ParentReport.prototype.milliseconds = 0;

            /**
             * ParentReport failures.
             * @member {number} failures
             * @memberof shoal.v1.ParentReport
             * @instance
             */
            ParentReport.prototype.failures = 0;

            /**
             * Encodes the specified ParentReport message. Does not implicitly {@link shoal.v1.ParentReport.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.ParentReport
             * @static
             * @param {shoal.v1.ParentReport.$Properties} message ParentReport message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ParentReport.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peerId != null && $Object.hasOwnProperty.call(message, "peerId") && message.peerId.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peerId);
                if (message.pieces != null && $Object.hasOwnProperty.call(message, "pieces") && message.pieces !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.pieces);
                if (message.milliseconds != null && $Object.hasOwnProperty.call(message, "milliseconds") && message.milliseconds !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.milliseconds);
                if (message.failures != null && $Object.hasOwnProperty.call(message, "failures") && message.failures !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.failures);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ParentReport message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.ParentReport
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.ParentReport & shoal.v1.ParentReport.$Shape} ParentReport
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ParentReport.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.ParentReport();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peerId = value;
                            else
                                delete message.peerId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.pieces = value;
                            else
                                delete message.pieces;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.milliseconds = value;
                            else
                                delete message.milliseconds;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.failures = value;
                            else
                                delete message.failures;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return ParentReport;
        })();

        v1.Want = (function() {

            /**
             * Properties of a Want.
             * @typedef {Object} shoal.v1.Want.$Properties
             * @property {number|null} [handle] Want handle
             * @property {shoal.v1.Lane|null} [lane] Want lane
             * @property {Array.<number>|null} [runs] Want runs
             * @property {boolean|null} [late] Want late
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Want.
             * @memberof shoal.v1
             * @interface IWant
             * @augments shoal.v1.Want.$Properties
             * @deprecated Use shoal.v1.Want.$Properties instead.
             */

            /**
             * Shape of a Want.
             * @typedef {shoal.v1.Want.$Properties} shoal.v1.Want.$Shape
             */

            /**
             * Constructs a new Want.
             * @memberof shoal.v1
             * @classdesc Represents a Want.
             * @constructor
             * @param {shoal.v1.Want.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Want = function (properties) {
                this.runs = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Want handle.
             * @member {number} handle
             * @memberof shoal.v1.Want
             * @instance
             */
            Want.prototype.handle = 0;

            /**
             * Want lane.
             * @member {shoal.v1.Lane} lane
             * @memberof shoal.v1.Want
             * @instance
             */
            Want.prototype.lane = 0;

            /**
             * Want runs.
             * @member {Array.<number>} runs
             * @memberof shoal.v1.Want
             * @instance
             */
            Want.prototype.runs = $util.emptyArray;

            /**
             * Want late.
             * @member {boolean} late
             * @memberof shoal.v1.Want
             * @instance
             */
            Want.prototype.late = false;

            /**
             * Encodes the specified Want message. Does not implicitly {@link shoal.v1.Want.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Want
             * @static
             * @param {shoal.v1.Want.$Properties} message Want message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Want.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.lane != null && $Object.hasOwnProperty.call(message, "lane") && message.lane !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).int32(message.lane);
                if (message.runs != null && message.runs.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).uint32s(message.runs);
                if (message.late != null && $Object.hasOwnProperty.call(message, "late") && message.late !== false)
                    writer.uint32(/* id 4, wireType 0 =*/32).bool(message.late);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Want message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Want
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Want & shoal.v1.Want.$Shape} Want
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Want.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Want();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.lane = value;
                            else
                                delete message.lane;
                            continue;
                        }
                    case 3: {
                            if (wireType === 2) {
                                if (!(message.runs && message.runs.length))
                                    message.runs = [];
                                reader.uint32s(message.runs);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.runs && message.runs.length))
                                message.runs = [];
                            message.runs.push(reader.uint32());
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.late = value;
                            else
                                delete message.late;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Want;
        })();

        v1.LeaseFailed = (function() {

            /**
             * Properties of a LeaseFailed.
             * @typedef {Object} shoal.v1.LeaseFailed.$Properties
             * @property {number|null} [handle] LeaseFailed handle
             * @property {Array.<number>|null} [runs] LeaseFailed runs
             * @property {shoal.v1.LeaseFailure|null} [reason] LeaseFailed reason
             * @property {number|null} [retryAfterMs] LeaseFailed retryAfterMs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a LeaseFailed.
             * @memberof shoal.v1
             * @interface ILeaseFailed
             * @augments shoal.v1.LeaseFailed.$Properties
             * @deprecated Use shoal.v1.LeaseFailed.$Properties instead.
             */

            /**
             * Shape of a LeaseFailed.
             * @typedef {shoal.v1.LeaseFailed.$Properties} shoal.v1.LeaseFailed.$Shape
             */

            /**
             * Constructs a new LeaseFailed.
             * @memberof shoal.v1
             * @classdesc Represents a LeaseFailed.
             * @constructor
             * @param {shoal.v1.LeaseFailed.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const LeaseFailed = function (properties) {
                this.runs = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * LeaseFailed handle.
             * @member {number} handle
             * @memberof shoal.v1.LeaseFailed
             * @instance
             */
            LeaseFailed.prototype.handle = 0;

            /**
             * LeaseFailed runs.
             * @member {Array.<number>} runs
             * @memberof shoal.v1.LeaseFailed
             * @instance
             */
            LeaseFailed.prototype.runs = $util.emptyArray;

            /**
             * LeaseFailed reason.
             * @member {shoal.v1.LeaseFailure} reason
             * @memberof shoal.v1.LeaseFailed
             * @instance
             */
            LeaseFailed.prototype.reason = 0;

            /**
             * LeaseFailed retryAfterMs.
             * @member {number} retryAfterMs
             * @memberof shoal.v1.LeaseFailed
             * @instance
             */
            LeaseFailed.prototype.retryAfterMs = 0;

            /**
             * Encodes the specified LeaseFailed message. Does not implicitly {@link shoal.v1.LeaseFailed.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.LeaseFailed
             * @static
             * @param {shoal.v1.LeaseFailed.$Properties} message LeaseFailed message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            LeaseFailed.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.runs != null && message.runs.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.runs);
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).int32(message.reason);
                if (message.retryAfterMs != null && $Object.hasOwnProperty.call(message, "retryAfterMs") && message.retryAfterMs !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.retryAfterMs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a LeaseFailed message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.LeaseFailed
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.LeaseFailed & shoal.v1.LeaseFailed.$Shape} LeaseFailed
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            LeaseFailed.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.LeaseFailed();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.runs && message.runs.length))
                                    message.runs = [];
                                reader.uint32s(message.runs);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.runs && message.runs.length))
                                message.runs = [];
                            message.runs.push(reader.uint32());
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.retryAfterMs = value;
                            else
                                delete message.retryAfterMs;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return LeaseFailed;
        })();

        /**
         * LeaseFailure enum.
         * @name shoal.v1.LeaseFailure
         * @enum {number}
         * @property {number} LEASE_FAILED_UNKNOWN=0 LEASE_FAILED_UNKNOWN value
         * @property {number} LEASE_FAILED_UNREACHABLE=1 LEASE_FAILED_UNREACHABLE value
         * @property {number} LEASE_FAILED_BUSY=2 LEASE_FAILED_BUSY value
         * @property {number} LEASE_FAILED_UNAUTHORIZED=3 LEASE_FAILED_UNAUTHORIZED value
         * @property {number} LEASE_FAILED_NOT_FOUND=4 LEASE_FAILED_NOT_FOUND value
         * @property {number} LEASE_FAILED_WRONG_BYTES=5 LEASE_FAILED_WRONG_BYTES value
         * @property {number} LEASE_FAILED_LOCAL=6 LEASE_FAILED_LOCAL value
         */
        v1.LeaseFailure = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "LEASE_FAILED_UNKNOWN"] = 0;
            values[valuesById[1] = "LEASE_FAILED_UNREACHABLE"] = 1;
            values[valuesById[2] = "LEASE_FAILED_BUSY"] = 2;
            values[valuesById[3] = "LEASE_FAILED_UNAUTHORIZED"] = 3;
            values[valuesById[4] = "LEASE_FAILED_NOT_FOUND"] = 4;
            values[valuesById[5] = "LEASE_FAILED_WRONG_BYTES"] = 5;
            values[valuesById[6] = "LEASE_FAILED_LOCAL"] = 6;
            return values;
        })();

        v1.Accuse = (function() {

            /**
             * Properties of an Accuse.
             * @typedef {Object} shoal.v1.Accuse.$Properties
             * @property {Uint8Array|null} [peerId] Accuse peerId
             * @property {number|null} [handle] Accuse handle
             * @property {number|null} [piece] Accuse piece
             * @property {shoal.v1.Accusation|null} [what] Accuse what
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an Accuse.
             * @memberof shoal.v1
             * @interface IAccuse
             * @augments shoal.v1.Accuse.$Properties
             * @deprecated Use shoal.v1.Accuse.$Properties instead.
             */

            /**
             * Shape of an Accuse.
             * @typedef {shoal.v1.Accuse.$Properties} shoal.v1.Accuse.$Shape
             */

            /**
             * Constructs a new Accuse.
             * @memberof shoal.v1
             * @classdesc Represents an Accuse.
             * @constructor
             * @param {shoal.v1.Accuse.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Accuse = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Accuse peerId.
             * @member {Uint8Array} peerId
             * @memberof shoal.v1.Accuse
             * @instance
             */
            Accuse.prototype.peerId = $util.newBuffer([]);

            /**
             * Accuse handle.
             * @member {number} handle
             * @memberof shoal.v1.Accuse
             * @instance
             */
            Accuse.prototype.handle = 0;

            /**
             * Accuse piece.
             * @member {number} piece
             * @memberof shoal.v1.Accuse
             * @instance
             */
            Accuse.prototype.piece = 0;

            /**
             * Accuse what.
             * @member {shoal.v1.Accusation} what
             * @memberof shoal.v1.Accuse
             * @instance
             */
            Accuse.prototype.what = 0;

            /**
             * Encodes the specified Accuse message. Does not implicitly {@link shoal.v1.Accuse.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Accuse
             * @static
             * @param {shoal.v1.Accuse.$Properties} message Accuse message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Accuse.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peerId != null && $Object.hasOwnProperty.call(message, "peerId") && message.peerId.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peerId);
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.handle);
                if (message.piece != null && $Object.hasOwnProperty.call(message, "piece") && message.piece !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.piece);
                if (message.what != null && $Object.hasOwnProperty.call(message, "what") && message.what !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).int32(message.what);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an Accuse message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Accuse
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Accuse & shoal.v1.Accuse.$Shape} Accuse
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Accuse.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Accuse();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peerId = value;
                            else
                                delete message.peerId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.piece = value;
                            else
                                delete message.piece;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.what = value;
                            else
                                delete message.what;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Accuse;
        })();

        /**
         * Accusation enum.
         * @name shoal.v1.Accusation
         * @enum {number}
         * @property {number} ACCUSE_UNKNOWN=0 ACCUSE_UNKNOWN value
         * @property {number} ACCUSE_WRONG_BYTES=1 ACCUSE_WRONG_BYTES value
         * @property {number} ACCUSE_LYING_BITMAP=2 ACCUSE_LYING_BITMAP value
         * @property {number} ACCUSE_STALLED=3 ACCUSE_STALLED value
         */
        v1.Accusation = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "ACCUSE_UNKNOWN"] = 0;
            values[valuesById[1] = "ACCUSE_WRONG_BYTES"] = 1;
            values[valuesById[2] = "ACCUSE_LYING_BITMAP"] = 2;
            values[valuesById[3] = "ACCUSE_STALLED"] = 3;
            return values;
        })();

        v1.SchedulerMessage = (function() {

            /**
             * Properties of a SchedulerMessage.
             * @typedef {Object} shoal.v1.SchedulerMessage.$Properties
             * @property {shoal.v1.Welcome.$Properties|null} [welcome] SchedulerMessage welcome
             * @property {shoal.v1.Parents.$Properties|null} [parents] SchedulerMessage parents
             * @property {shoal.v1.Lease.$Properties|null} [lease] SchedulerMessage lease
             * @property {shoal.v1.Lessees.$Properties|null} [lessees] SchedulerMessage lessees
             * @property {shoal.v1.Ban.$Properties|null} [ban] SchedulerMessage ban
             * @property {shoal.v1.OriginHold.$Properties|null} [originHold] SchedulerMessage originHold
             * @property {shoal.v1.TaskRefused.$Properties|null} [taskRefused] SchedulerMessage taskRefused
             * @property {shoal.v1.Ping.$Properties|null} [ping] SchedulerMessage ping
             * @property {shoal.v1.Pong.$Properties|null} [pong] SchedulerMessage pong
             * @property {shoal.v1.Trace.$Properties|null} [trace] SchedulerMessage trace
             * @property {"welcome"|"parents"|"lease"|"lessees"|"ban"|"originHold"|"taskRefused"|"ping"|"pong"|"trace"} [kind] SchedulerMessage kind
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a SchedulerMessage.
             * @memberof shoal.v1
             * @interface ISchedulerMessage
             * @augments shoal.v1.SchedulerMessage.$Properties
             * @deprecated Use shoal.v1.SchedulerMessage.$Properties instead.
             */

            /**
             * Narrowed shape of a SchedulerMessage.
             * @typedef {{
             *   welcome?: shoal.v1.Welcome.$Shape|null;
             *   parents?: shoal.v1.Parents.$Shape|null;
             *   lease?: shoal.v1.Lease.$Shape|null;
             *   lessees?: shoal.v1.Lessees.$Shape|null;
             *   ban?: shoal.v1.Ban.$Shape|null;
             *   originHold?: shoal.v1.OriginHold.$Shape|null;
             *   taskRefused?: shoal.v1.TaskRefused.$Shape|null;
             *   ping?: shoal.v1.Ping.$Shape|null;
             *   pong?: shoal.v1.Pong.$Shape|null;
             *   trace?: shoal.v1.Trace.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ kind?: undefined; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "welcome"; welcome: shoal.v1.Welcome.$Shape; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "parents"; welcome?: null; parents: shoal.v1.Parents.$Shape; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "lease"; welcome?: null; parents?: null; lease: shoal.v1.Lease.$Shape; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "lessees"; welcome?: null; parents?: null; lease?: null; lessees: shoal.v1.Lessees.$Shape; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "ban"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban: shoal.v1.Ban.$Shape; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "originHold"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold: shoal.v1.OriginHold.$Shape; taskRefused?: null; ping?: null; pong?: null; trace?: null }|{ kind?: "taskRefused"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused: shoal.v1.TaskRefused.$Shape; ping?: null; pong?: null; trace?: null }|{ kind?: "ping"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping: shoal.v1.Ping.$Shape; pong?: null; trace?: null }|{ kind?: "pong"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong: shoal.v1.Pong.$Shape; trace?: null }|{ kind?: "trace"; welcome?: null; parents?: null; lease?: null; lessees?: null; ban?: null; originHold?: null; taskRefused?: null; ping?: null; pong?: null; trace: shoal.v1.Trace.$Shape })
             * )} shoal.v1.SchedulerMessage.$Shape
             */

            /**
             * Constructs a new SchedulerMessage.
             * @memberof shoal.v1
             * @classdesc Represents a SchedulerMessage.
             * @constructor
             * @param {shoal.v1.SchedulerMessage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const SchedulerMessage = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * SchedulerMessage welcome.
             * @member {shoal.v1.Welcome.$Properties|null|undefined} welcome
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.welcome = null;

            /**
             * SchedulerMessage parents.
             * @member {shoal.v1.Parents.$Properties|null|undefined} parents
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.parents = null;

            /**
             * SchedulerMessage lease.
             * @member {shoal.v1.Lease.$Properties|null|undefined} lease
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.lease = null;

            /**
             * SchedulerMessage lessees.
             * @member {shoal.v1.Lessees.$Properties|null|undefined} lessees
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.lessees = null;

            /**
             * SchedulerMessage ban.
             * @member {shoal.v1.Ban.$Properties|null|undefined} ban
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.ban = null;

            /**
             * SchedulerMessage originHold.
             * @member {shoal.v1.OriginHold.$Properties|null|undefined} originHold
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.originHold = null;

            /**
             * SchedulerMessage taskRefused.
             * @member {shoal.v1.TaskRefused.$Properties|null|undefined} taskRefused
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.taskRefused = null;

            /**
             * SchedulerMessage ping.
             * @member {shoal.v1.Ping.$Properties|null|undefined} ping
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.ping = null;

            /**
             * SchedulerMessage pong.
             * @member {shoal.v1.Pong.$Properties|null|undefined} pong
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.pong = null;

            /**
             * SchedulerMessage trace.
             * @member {shoal.v1.Trace.$Properties|null|undefined} trace
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            SchedulerMessage.prototype.trace = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * SchedulerMessage kind.
             * @member {"welcome"|"parents"|"lease"|"lessees"|"ban"|"originHold"|"taskRefused"|"ping"|"pong"|"trace"|undefined} kind
             * @memberof shoal.v1.SchedulerMessage
             * @instance
             */
            $Object.defineProperty(SchedulerMessage.prototype, "kind", {
                get: $util.oneOfGetter($oneOfFields = ["welcome", "parents", "lease", "lessees", "ban", "originHold", "taskRefused", "ping", "pong", "trace"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Encodes the specified SchedulerMessage message. Does not implicitly {@link shoal.v1.SchedulerMessage.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.SchedulerMessage
             * @static
             * @param {shoal.v1.SchedulerMessage.$Properties} message SchedulerMessage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            SchedulerMessage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.welcome != null && $Object.hasOwnProperty.call(message, "welcome"))
                    $root.shoal.v1.Welcome.encode(message.welcome, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.parents != null && $Object.hasOwnProperty.call(message, "parents"))
                    $root.shoal.v1.Parents.encode(message.parents, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.lease != null && $Object.hasOwnProperty.call(message, "lease"))
                    $root.shoal.v1.Lease.encode(message.lease, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.lessees != null && $Object.hasOwnProperty.call(message, "lessees"))
                    $root.shoal.v1.Lessees.encode(message.lessees, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.ban != null && $Object.hasOwnProperty.call(message, "ban"))
                    $root.shoal.v1.Ban.encode(message.ban, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                if (message.originHold != null && $Object.hasOwnProperty.call(message, "originHold"))
                    $root.shoal.v1.OriginHold.encode(message.originHold, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                if (message.taskRefused != null && $Object.hasOwnProperty.call(message, "taskRefused"))
                    $root.shoal.v1.TaskRefused.encode(message.taskRefused, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                if (message.ping != null && $Object.hasOwnProperty.call(message, "ping"))
                    $root.shoal.v1.Ping.encode(message.ping, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                if (message.pong != null && $Object.hasOwnProperty.call(message, "pong"))
                    $root.shoal.v1.Pong.encode(message.pong, writer.uint32(/* id 9, wireType 2 =*/74).fork(), _depth + 1).ldelim();
                if (message.trace != null && $Object.hasOwnProperty.call(message, "trace"))
                    $root.shoal.v1.Trace.encode(message.trace, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a SchedulerMessage message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.SchedulerMessage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.SchedulerMessage & shoal.v1.SchedulerMessage.$Shape} SchedulerMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            SchedulerMessage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.SchedulerMessage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            message.welcome = $root.shoal.v1.Welcome.decode(reader, reader.size(), $undefined, _depth + 1, message.welcome);
                            message.kind = "welcome";
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.parents = $root.shoal.v1.Parents.decode(reader, reader.size(), $undefined, _depth + 1, message.parents);
                            message.kind = "parents";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.lease = $root.shoal.v1.Lease.decode(reader, reader.size(), $undefined, _depth + 1, message.lease);
                            message.kind = "lease";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.lessees = $root.shoal.v1.Lessees.decode(reader, reader.size(), $undefined, _depth + 1, message.lessees);
                            message.kind = "lessees";
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            message.ban = $root.shoal.v1.Ban.decode(reader, reader.size(), $undefined, _depth + 1, message.ban);
                            message.kind = "ban";
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            message.originHold = $root.shoal.v1.OriginHold.decode(reader, reader.size(), $undefined, _depth + 1, message.originHold);
                            message.kind = "originHold";
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            message.taskRefused = $root.shoal.v1.TaskRefused.decode(reader, reader.size(), $undefined, _depth + 1, message.taskRefused);
                            message.kind = "taskRefused";
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            message.ping = $root.shoal.v1.Ping.decode(reader, reader.size(), $undefined, _depth + 1, message.ping);
                            message.kind = "ping";
                            continue;
                        }
                    case 9: {
                            if (wireType !== 2)
                                break;
                            message.pong = $root.shoal.v1.Pong.decode(reader, reader.size(), $undefined, _depth + 1, message.pong);
                            message.kind = "pong";
                            continue;
                        }
                    case 10: {
                            if (wireType !== 2)
                                break;
                            message.trace = $root.shoal.v1.Trace.decode(reader, reader.size(), $undefined, _depth + 1, message.trace);
                            message.kind = "trace";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return SchedulerMessage;
        })();

        v1.Welcome = (function() {

            /**
             * Properties of a Welcome.
             * @typedef {Object} shoal.v1.Welcome.$Properties
             * @property {number|null} [reportIntervalMs] Welcome reportIntervalMs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Welcome.
             * @memberof shoal.v1
             * @interface IWelcome
             * @augments shoal.v1.Welcome.$Properties
             * @deprecated Use shoal.v1.Welcome.$Properties instead.
             */

            /**
             * Shape of a Welcome.
             * @typedef {shoal.v1.Welcome.$Properties} shoal.v1.Welcome.$Shape
             */

            /**
             * Constructs a new Welcome.
             * @memberof shoal.v1
             * @classdesc Represents a Welcome.
             * @constructor
             * @param {shoal.v1.Welcome.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Welcome = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Welcome reportIntervalMs.
             * @member {number} reportIntervalMs
             * @memberof shoal.v1.Welcome
             * @instance
             */
            Welcome.prototype.reportIntervalMs = 0;

            /**
             * Encodes the specified Welcome message. Does not implicitly {@link shoal.v1.Welcome.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Welcome
             * @static
             * @param {shoal.v1.Welcome.$Properties} message Welcome message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Welcome.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.reportIntervalMs != null && $Object.hasOwnProperty.call(message, "reportIntervalMs") && message.reportIntervalMs !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.reportIntervalMs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Welcome message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Welcome
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Welcome & shoal.v1.Welcome.$Shape} Welcome
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Welcome.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Welcome();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.reportIntervalMs = value;
                            else
                                delete message.reportIntervalMs;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Welcome;
        })();

        v1.Parents = (function() {

            /**
             * Properties of a Parents.
             * @typedef {Object} shoal.v1.Parents.$Properties
             * @property {number|null} [handle] Parents handle
             * @property {Array.<shoal.v1.Parent.$Properties>|null} [add] Parents add
             * @property {Array.<Uint8Array>|null} [remove] Parents remove
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Parents.
             * @memberof shoal.v1
             * @interface IParents
             * @augments shoal.v1.Parents.$Properties
             * @deprecated Use shoal.v1.Parents.$Properties instead.
             */

            /**
             * Shape of a Parents.
             * @typedef {shoal.v1.Parents.$Properties} shoal.v1.Parents.$Shape
             */

            /**
             * Constructs a new Parents.
             * @memberof shoal.v1
             * @classdesc Represents a Parents.
             * @constructor
             * @param {shoal.v1.Parents.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Parents = function (properties) {
                this.add = [];
                this.remove = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Parents handle.
             * @member {number} handle
             * @memberof shoal.v1.Parents
             * @instance
             */
            Parents.prototype.handle = 0;

            /**
             * Parents add.
             * @member {Array.<shoal.v1.Parent.$Properties>} add
             * @memberof shoal.v1.Parents
             * @instance
             */
            Parents.prototype.add = $util.emptyArray;

            /**
             * Parents remove.
             * @member {Array.<Uint8Array>} remove
             * @memberof shoal.v1.Parents
             * @instance
             */
            Parents.prototype.remove = $util.emptyArray;

            /**
             * Encodes the specified Parents message. Does not implicitly {@link shoal.v1.Parents.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Parents
             * @static
             * @param {shoal.v1.Parents.$Properties} message Parents message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Parents.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.add != null && message.add.length)
                    for (let i = 0; i < message.add.length; ++i)
                        $root.shoal.v1.Parent.encode(message.add[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.remove != null && message.remove.length)
                    for (let i = 0; i < message.remove.length; ++i)
                        writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.remove[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Parents message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Parents
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Parents & shoal.v1.Parents.$Shape} Parents
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Parents.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Parents();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.add && message.add.length))
                                message.add = [];
                            message.add.push($root.shoal.v1.Parent.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if (!(message.remove && message.remove.length))
                                message.remove = [];
                            message.remove.push(reader.bytes());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Parents;
        })();

        v1.Parent = (function() {

            /**
             * Properties of a Parent.
             * @typedef {Object} shoal.v1.Parent.$Properties
             * @property {Uint8Array|null} [peerId] Parent peerId
             * @property {Array.<string>|null} [addresses] Parent addresses
             * @property {Uint8Array|null} [pieces] Parent pieces
             * @property {Uint8Array|null} [chunks] Parent chunks
             * @property {number|null} [distance] Parent distance
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Parent.
             * @memberof shoal.v1
             * @interface IParent
             * @augments shoal.v1.Parent.$Properties
             * @deprecated Use shoal.v1.Parent.$Properties instead.
             */

            /**
             * Shape of a Parent.
             * @typedef {shoal.v1.Parent.$Properties} shoal.v1.Parent.$Shape
             */

            /**
             * Constructs a new Parent.
             * @memberof shoal.v1
             * @classdesc Represents a Parent.
             * @constructor
             * @param {shoal.v1.Parent.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Parent = function (properties) {
                this.addresses = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Parent peerId.
             * @member {Uint8Array} peerId
             * @memberof shoal.v1.Parent
             * @instance
             */
            Parent.prototype.peerId = $util.newBuffer([]);

            /**
             * Parent addresses.
             * @member {Array.<string>} addresses
             * @memberof shoal.v1.Parent
             * @instance
             */
            Parent.prototype.addresses = $util.emptyArray;

            /**
             * Parent pieces.
             * @member {Uint8Array} pieces
             * @memberof shoal.v1.Parent
             * @instance
             */
            Parent.prototype.pieces = $util.newBuffer([]);

            /**
             * Parent chunks.
             * @member {Uint8Array} chunks
             * @memberof shoal.v1.Parent
             * @instance
             */
            Parent.prototype.chunks = $util.newBuffer([]);

            /**
             * Parent distance.
             * @member {number} distance
             * @memberof shoal.v1.Parent
             * @instance
             */
            Parent.prototype.distance = 0;

            /**
             * Encodes the specified Parent message. Does not implicitly {@link shoal.v1.Parent.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Parent
             * @static
             * @param {shoal.v1.Parent.$Properties} message Parent message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Parent.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peerId != null && $Object.hasOwnProperty.call(message, "peerId") && message.peerId.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peerId);
                if (message.addresses != null && message.addresses.length)
                    for (let i = 0; i < message.addresses.length; ++i)
                        writer.uint32(/* id 2, wireType 2 =*/18).string(message.addresses[i]);
                if (message.pieces != null && $Object.hasOwnProperty.call(message, "pieces") && message.pieces.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.pieces);
                if (message.chunks != null && $Object.hasOwnProperty.call(message, "chunks") && message.chunks.length)
                    writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.chunks);
                if (message.distance != null && $Object.hasOwnProperty.call(message, "distance") && message.distance !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.distance);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Parent message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Parent
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Parent & shoal.v1.Parent.$Shape} Parent
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Parent.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Parent();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peerId = value;
                            else
                                delete message.peerId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.addresses && message.addresses.length))
                                message.addresses = [];
                            message.addresses.push(reader.stringVerify());
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.pieces = value;
                            else
                                delete message.pieces;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.chunks = value;
                            else
                                delete message.chunks;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.distance = value;
                            else
                                delete message.distance;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Parent;
        })();

        v1.Lease = (function() {

            /**
             * Properties of a Lease.
             * @typedef {Object} shoal.v1.Lease.$Properties
             * @property {number|null} [handle] Lease handle
             * @property {Array.<number>|null} [runs] Lease runs
             * @property {number|null} [deadlineMs] Lease deadlineMs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Lease.
             * @memberof shoal.v1
             * @interface ILease
             * @augments shoal.v1.Lease.$Properties
             * @deprecated Use shoal.v1.Lease.$Properties instead.
             */

            /**
             * Shape of a Lease.
             * @typedef {shoal.v1.Lease.$Properties} shoal.v1.Lease.$Shape
             */

            /**
             * Constructs a new Lease.
             * @memberof shoal.v1
             * @classdesc Represents a Lease.
             * @constructor
             * @param {shoal.v1.Lease.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Lease = function (properties) {
                this.runs = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Lease handle.
             * @member {number} handle
             * @memberof shoal.v1.Lease
             * @instance
             */
            Lease.prototype.handle = 0;

            /**
             * Lease runs.
             * @member {Array.<number>} runs
             * @memberof shoal.v1.Lease
             * @instance
             */
            Lease.prototype.runs = $util.emptyArray;

            /**
             * Lease deadlineMs.
             * @member {number} deadlineMs
             * @memberof shoal.v1.Lease
             * @instance
             */
            Lease.prototype.deadlineMs = 0;

            /**
             * Encodes the specified Lease message. Does not implicitly {@link shoal.v1.Lease.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Lease
             * @static
             * @param {shoal.v1.Lease.$Properties} message Lease message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Lease.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.runs != null && message.runs.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.runs);
                if (message.deadlineMs != null && $Object.hasOwnProperty.call(message, "deadlineMs") && message.deadlineMs !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.deadlineMs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Lease message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Lease
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Lease & shoal.v1.Lease.$Shape} Lease
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Lease.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Lease();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.runs && message.runs.length))
                                    message.runs = [];
                                reader.uint32s(message.runs);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.runs && message.runs.length))
                                message.runs = [];
                            message.runs.push(reader.uint32());
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.deadlineMs = value;
                            else
                                delete message.deadlineMs;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Lease;
        })();

        v1.Trace = (function() {

            /**
             * Properties of a Trace.
             * @typedef {Object} shoal.v1.Trace.$Properties
             * @property {number|null} [handle] Trace handle
             * @property {Array.<number>|null} [runs] Trace runs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Trace.
             * @memberof shoal.v1
             * @interface ITrace
             * @augments shoal.v1.Trace.$Properties
             * @deprecated Use shoal.v1.Trace.$Properties instead.
             */

            /**
             * Shape of a Trace.
             * @typedef {shoal.v1.Trace.$Properties} shoal.v1.Trace.$Shape
             */

            /**
             * Constructs a new Trace.
             * @memberof shoal.v1
             * @classdesc Represents a Trace.
             * @constructor
             * @param {shoal.v1.Trace.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Trace = function (properties) {
                this.runs = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Trace handle.
             * @member {number} handle
             * @memberof shoal.v1.Trace
             * @instance
             */
            Trace.prototype.handle = 0;

            /**
             * Trace runs.
             * @member {Array.<number>} runs
             * @memberof shoal.v1.Trace
             * @instance
             */
            Trace.prototype.runs = $util.emptyArray;

            /**
             * Encodes the specified Trace message. Does not implicitly {@link shoal.v1.Trace.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Trace
             * @static
             * @param {shoal.v1.Trace.$Properties} message Trace message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Trace.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.runs != null && message.runs.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.runs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Trace message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Trace
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Trace & shoal.v1.Trace.$Shape} Trace
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Trace.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Trace();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.runs && message.runs.length))
                                    message.runs = [];
                                reader.uint32s(message.runs);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.runs && message.runs.length))
                                message.runs = [];
                            message.runs.push(reader.uint32());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Trace;
        })();

        v1.Lessees = (function() {

            /**
             * Properties of a Lessees.
             * @typedef {Object} shoal.v1.Lessees.$Properties
             * @property {number|null} [handle] Lessees handle
             * @property {Array.<shoal.v1.Lessee.$Properties>|null} [lessees] Lessees lessees
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Lessees.
             * @memberof shoal.v1
             * @interface ILessees
             * @augments shoal.v1.Lessees.$Properties
             * @deprecated Use shoal.v1.Lessees.$Properties instead.
             */

            /**
             * Shape of a Lessees.
             * @typedef {shoal.v1.Lessees.$Properties} shoal.v1.Lessees.$Shape
             */

            /**
             * Constructs a new Lessees.
             * @memberof shoal.v1
             * @classdesc Represents a Lessees.
             * @constructor
             * @param {shoal.v1.Lessees.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Lessees = function (properties) {
                this.lessees = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Lessees handle.
             * @member {number} handle
             * @memberof shoal.v1.Lessees
             * @instance
             */
            Lessees.prototype.handle = 0;

            /**
             * Lessees lessees.
             * @member {Array.<shoal.v1.Lessee.$Properties>} lessees
             * @memberof shoal.v1.Lessees
             * @instance
             */
            Lessees.prototype.lessees = $util.emptyArray;

            /**
             * Encodes the specified Lessees message. Does not implicitly {@link shoal.v1.Lessees.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Lessees
             * @static
             * @param {shoal.v1.Lessees.$Properties} message Lessees message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Lessees.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.lessees != null && message.lessees.length)
                    for (let i = 0; i < message.lessees.length; ++i)
                        $root.shoal.v1.Lessee.encode(message.lessees[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Lessees message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Lessees
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Lessees & shoal.v1.Lessees.$Shape} Lessees
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Lessees.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Lessees();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.lessees && message.lessees.length))
                                message.lessees = [];
                            message.lessees.push($root.shoal.v1.Lessee.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Lessees;
        })();

        v1.Lessee = (function() {

            /**
             * Properties of a Lessee.
             * @typedef {Object} shoal.v1.Lessee.$Properties
             * @property {Uint8Array|null} [peerId] Lessee peerId
             * @property {Array.<number>|null} [runs] Lessee runs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Lessee.
             * @memberof shoal.v1
             * @interface ILessee
             * @augments shoal.v1.Lessee.$Properties
             * @deprecated Use shoal.v1.Lessee.$Properties instead.
             */

            /**
             * Shape of a Lessee.
             * @typedef {shoal.v1.Lessee.$Properties} shoal.v1.Lessee.$Shape
             */

            /**
             * Constructs a new Lessee.
             * @memberof shoal.v1
             * @classdesc Represents a Lessee.
             * @constructor
             * @param {shoal.v1.Lessee.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Lessee = function (properties) {
                this.runs = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Lessee peerId.
             * @member {Uint8Array} peerId
             * @memberof shoal.v1.Lessee
             * @instance
             */
            Lessee.prototype.peerId = $util.newBuffer([]);

            /**
             * Lessee runs.
             * @member {Array.<number>} runs
             * @memberof shoal.v1.Lessee
             * @instance
             */
            Lessee.prototype.runs = $util.emptyArray;

            /**
             * Encodes the specified Lessee message. Does not implicitly {@link shoal.v1.Lessee.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Lessee
             * @static
             * @param {shoal.v1.Lessee.$Properties} message Lessee message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Lessee.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peerId != null && $Object.hasOwnProperty.call(message, "peerId") && message.peerId.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peerId);
                if (message.runs != null && message.runs.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).uint32s(message.runs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Lessee message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Lessee
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Lessee & shoal.v1.Lessee.$Shape} Lessee
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Lessee.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Lessee();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peerId = value;
                            else
                                delete message.peerId;
                            continue;
                        }
                    case 2: {
                            if (wireType === 2) {
                                if (!(message.runs && message.runs.length))
                                    message.runs = [];
                                reader.uint32s(message.runs);
                                continue;
                            }
                            if (wireType !== 0)
                                break;
                            if (!(message.runs && message.runs.length))
                                message.runs = [];
                            message.runs.push(reader.uint32());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Lessee;
        })();

        v1.Ban = (function() {

            /**
             * Properties of a Ban.
             * @typedef {Object} shoal.v1.Ban.$Properties
             * @property {Uint8Array|null} [peerId] Ban peerId
             * @property {number|null} [durationMs] Ban durationMs
             * @property {string|null} [reason] Ban reason
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Ban.
             * @memberof shoal.v1
             * @interface IBan
             * @augments shoal.v1.Ban.$Properties
             * @deprecated Use shoal.v1.Ban.$Properties instead.
             */

            /**
             * Shape of a Ban.
             * @typedef {shoal.v1.Ban.$Properties} shoal.v1.Ban.$Shape
             */

            /**
             * Constructs a new Ban.
             * @memberof shoal.v1
             * @classdesc Represents a Ban.
             * @constructor
             * @param {shoal.v1.Ban.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Ban = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Ban peerId.
             * @member {Uint8Array} peerId
             * @memberof shoal.v1.Ban
             * @instance
             */
            Ban.prototype.peerId = $util.newBuffer([]);

            /**
             * Ban durationMs.
             * @member {number} durationMs
             * @memberof shoal.v1.Ban
             * @instance
             */
            Ban.prototype.durationMs = 0;

            /**
             * Ban reason.
             * @member {string} reason
             * @memberof shoal.v1.Ban
             * @instance
             */
            Ban.prototype.reason = "";

            /**
             * Encodes the specified Ban message. Does not implicitly {@link shoal.v1.Ban.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.Ban
             * @static
             * @param {shoal.v1.Ban.$Properties} message Ban message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Ban.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.peerId != null && $Object.hasOwnProperty.call(message, "peerId") && message.peerId.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.peerId);
                if (message.durationMs != null && $Object.hasOwnProperty.call(message, "durationMs") && message.durationMs !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.durationMs);
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.reason);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Ban message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.Ban
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.Ban & shoal.v1.Ban.$Shape} Ban
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Ban.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.Ban();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.peerId = value;
                            else
                                delete message.peerId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.durationMs = value;
                            else
                                delete message.durationMs;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return Ban;
        })();

        v1.OriginHold = (function() {

            /**
             * Properties of an OriginHold.
             * @typedef {Object} shoal.v1.OriginHold.$Properties
             * @property {number|null} [handle] OriginHold handle
             * @property {number|null} [durationMs] OriginHold durationMs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an OriginHold.
             * @memberof shoal.v1
             * @interface IOriginHold
             * @augments shoal.v1.OriginHold.$Properties
             * @deprecated Use shoal.v1.OriginHold.$Properties instead.
             */

            /**
             * Shape of an OriginHold.
             * @typedef {shoal.v1.OriginHold.$Properties} shoal.v1.OriginHold.$Shape
             */

            /**
             * Constructs a new OriginHold.
             * @memberof shoal.v1
             * @classdesc Represents an OriginHold.
             * @constructor
             * @param {shoal.v1.OriginHold.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const OriginHold = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * OriginHold handle.
             * @member {number} handle
             * @memberof shoal.v1.OriginHold
             * @instance
             */
            OriginHold.prototype.handle = 0;

            /**
             * OriginHold durationMs.
             * @member {number} durationMs
             * @memberof shoal.v1.OriginHold
             * @instance
             */
            OriginHold.prototype.durationMs = 0;

            /**
             * Encodes the specified OriginHold message. Does not implicitly {@link shoal.v1.OriginHold.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.OriginHold
             * @static
             * @param {shoal.v1.OriginHold.$Properties} message OriginHold message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            OriginHold.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.durationMs != null && $Object.hasOwnProperty.call(message, "durationMs") && message.durationMs !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.durationMs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an OriginHold message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.OriginHold
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.OriginHold & shoal.v1.OriginHold.$Shape} OriginHold
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            OriginHold.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.OriginHold();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.durationMs = value;
                            else
                                delete message.durationMs;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return OriginHold;
        })();

        v1.TaskRefused = (function() {

            /**
             * Properties of a TaskRefused.
             * @typedef {Object} shoal.v1.TaskRefused.$Properties
             * @property {number|null} [handle] TaskRefused handle
             * @property {string|null} [reason] TaskRefused reason
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TaskRefused.
             * @memberof shoal.v1
             * @interface ITaskRefused
             * @augments shoal.v1.TaskRefused.$Properties
             * @deprecated Use shoal.v1.TaskRefused.$Properties instead.
             */

            /**
             * Shape of a TaskRefused.
             * @typedef {shoal.v1.TaskRefused.$Properties} shoal.v1.TaskRefused.$Shape
             */

            /**
             * Constructs a new TaskRefused.
             * @memberof shoal.v1
             * @classdesc Represents a TaskRefused.
             * @constructor
             * @param {shoal.v1.TaskRefused.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TaskRefused = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TaskRefused handle.
             * @member {number} handle
             * @memberof shoal.v1.TaskRefused
             * @instance
             */
            TaskRefused.prototype.handle = 0;

            /**
             * TaskRefused reason.
             * @member {string} reason
             * @memberof shoal.v1.TaskRefused
             * @instance
             */
            TaskRefused.prototype.reason = "";

            /**
             * Encodes the specified TaskRefused message. Does not implicitly {@link shoal.v1.TaskRefused.verify|verify} messages.
             * @function encode
             * @memberof shoal.v1.TaskRefused
             * @static
             * @param {shoal.v1.TaskRefused.$Properties} message TaskRefused message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TaskRefused.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.handle != null && $Object.hasOwnProperty.call(message, "handle") && message.handle !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.handle);
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.reason);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TaskRefused message from the specified reader or buffer.
             * @function decode
             * @memberof shoal.v1.TaskRefused
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {shoal.v1.TaskRefused & shoal.v1.TaskRefused.$Shape} TaskRefused
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TaskRefused.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.shoal.v1.TaskRefused();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.handle = value;
                            else
                                delete message.handle;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            return TaskRefused;
        })();

        return v1;
    })();

    return shoal;
})();

export {
  $root as default
};
